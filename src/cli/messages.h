// What the command line says on stderr, and how text from elsewhere is made safe for a terminal line.
// Thread-safe; allocates. Nothing here throws when stderr is closed or full.
#pragma once

#include <string>
#include <string_view>

namespace heapledger::cli {

// One line without control characters: names of files, commands and routes may hold terminal escapes.
std::string one_line(std::string_view text);

void say(std::string_view line);  // on stderr, with a newline
void say_error(std::string_view message, std::string_view hint = {});
void write_stderr(std::string_view text);

}  // namespace heapledger::cli
