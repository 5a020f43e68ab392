// Where a new recording goes. Nothing here overwrites a file that the user did not name. Throws RecordingError;
// allocates.
#pragma once

#include <string>

#include "recording/recording.h"

namespace heapledger::recording {

class RecordingInUse : public RecordingError {
 public:
  using RecordingError::RecordingError;
};

// How many older recordings are kept beside `path`, and their names: "heapledger.db" and 3 give "heapledger.3.db".
inline constexpr int kKeptRecordings = 9;
std::string rotated_name(const std::string& path, int number);

// `path`, or while others write there the first of "heapledger-2.db", "heapledger-3.db", ... where nobody does. For
// processes of one service that record themselves each on its own.
inline constexpr int kMostBeside = 64;
std::string name_beside_others(const std::string& path);

// Makes `path` free for a new default recording: PATH becomes PATH-with-.1, .1 becomes .2, ... the ninth is given up.
// A recording there that a killed collector left is closed first; one that is still being written is refused
// (RecordingInUse).
void rotate_recordings(const std::string& path);

// Checks that `path` may be created: with `force` what is there is removed if it is a recording or empty, else refused.
void claim_output(const std::string& path, bool force);

// While it lives nobody else who makes one takes a name in the folder of `path`. Waits for another, but not for long:
// two who still meet are told apart by O_EXCL.
class FolderClaim {
 public:
  explicit FolderClaim(const std::string& path);
  ~FolderClaim();
  FolderClaim(const FolderClaim&) = delete;
  FolderClaim& operator=(const FolderClaim&) = delete;

 private:
  int folder_;
};

}  // namespace heapledger::recording
