// Where a new recording goes. Nothing here overwrites a file that the user did not name. Throws RecordingError;
// allocates.
#pragma once

#include <string>

namespace heapledger::recording {

// How many older recordings are kept beside `path`, and their names: "heapledger.db" and 3 give "heapledger.3.db".
inline constexpr int kKeptRecordings = 9;
std::string rotated_name(const std::string& path, int number);

// Makes `path` free for a new default recording: PATH becomes PATH-with-.1, .1 becomes .2, ... the ninth is given up.
// A recording there that a killed collector left is closed first; one that is still being written is refused.
void rotate_recordings(const std::string& path);

// Checks that `path` may be created: with `force` what is there is removed if it is a recording or empty, else refused.
void claim_output(const std::string& path, bool force);

}  // namespace heapledger::recording
