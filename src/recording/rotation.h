// Where a new recording goes. Nothing here overwrites a file that the user did not name. Throws RecordingError;
// allocates.
#pragma once

#include <cstdint>
#include <string>

#include "recording/recording.h"

namespace heapledger::recording {

// How many older recordings are kept beside `path`, and their names: "heapledger.db" and 3 give "heapledger.3.db".
inline constexpr int kKeptRecordings = 9;
std::string rotated_name(const std::string& path, int number);

// Waits while others write the recording at `path`, at most this long. The collector of a service that has just ended
// needs a moment to close it. Does nothing to a file that is no recording.
void await_writers(const std::string& path, std::int64_t milliseconds);

// `path`, or while others write there the first of "heapledger-2.db", "heapledger-3.db", ... where nobody does.
inline constexpr int kMostBeside = 64;
std::string name_beside_others(const std::string& path);

// Makes `path` free for a new default recording: PATH becomes PATH-with-.1, .1 becomes .2, ... the ninth is given up.
// A recording there that a killed collector left is closed first; one that is still being written is refused
// (RecordingInUse), and so is, with `only_recordings`, a file of another kind.
void rotate_recordings(const std::string& path, bool only_recordings = false);

// Checks that `path` may be created: with `force` what is there is removed if it is a recording, empty, or what a kill
// left of a recording's first moment; else refused, and refused while somebody writes it (RecordingInUse).
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
