#include "cli/preload.h"

#include <dlfcn.h>
#include <elf.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "cli/command.h"
#include "cli/package.h"

namespace heapledger::cli {
namespace {

namespace fs = std::filesystem;

// What of an executable decides whether the preload library can be loaded into it.
struct Image {
  unsigned char word_size = 0;
  Elf64_Half machine = 0;
  std::string loader;  // file name of its dynamic linker, empty: statically linked
};

std::optional<Image> read_image(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr header{};
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return std::nullopt;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return std::nullopt;
  Image image{header.e_ident[EI_CLASS], header.e_machine, {}};
  if (image.word_size != ELFCLASS64) return image;
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part{};
    file.seekg(static_cast<std::streamoff>(header.e_phoff + static_cast<Elf64_Off>(i) * header.e_phentsize));
    if (!file.read(reinterpret_cast<char*>(&part), sizeof part)) break;
    if (part.p_type != PT_INTERP) continue;
    std::array<char, 256> name{};
    file.seekg(static_cast<std::streamoff>(part.p_offset));
    file.read(name.data(), static_cast<std::streamsize>(std::min<Elf64_Xword>(part.p_filesz, name.size() - 1)));
    image.loader = fs::path(name.data()).filename().string();
    break;
  }
  return image;
}

// The program that a script names, through `env` too; empty: no script.
std::string interpreter_of(const std::string& script) {
  std::ifstream file(script, std::ios::binary);
  std::string line;
  if (!std::getline(file, line) || !line.starts_with("#!")) return {};
  std::istringstream words(line.substr(2, 256));
  std::string word;
  words >> word;
  if (fs::path(word).filename() != "env") return word;
  while (words >> word) {
    if (!word.starts_with("-") && word.find('=') == std::string::npos) return word;
  }
  return {};
}

// The executable that running this name runs in the end, as far as scripts say.
std::string executable_of(const std::string& name) {
  constexpr int kScriptsAtMost = 4;
  std::string path = found_command(name);
  for (int i = 0; i < kScriptsAtMost; ++i) {
    const std::string interpreter = interpreter_of(path);
    if (interpreter.empty()) break;
    path = found_command(interpreter);
  }
  return path;
}

// Where the symbol that this process uses comes from; nullptr: there is none.
const void* object_of(const char* symbol) {
  void* address = ::dlsym(RTLD_DEFAULT, symbol);
  Dl_info info{};
  return address != nullptr && ::dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

// We were started with the same LD_PRELOAD as the command will be: the allocator in force here is the one behind us.
bool allocator_has_operators() { return object_of("_Znwm") != nullptr && object_of("_Znwm") == object_of("malloc"); }

std::string unfit(const std::string& executable) {
  const std::optional<Image> theirs = read_image(executable);
  const std::optional<Image> ours = read_image("/proc/self/exe");
  if (!theirs || !ours) return {};  // whatever it is, it is no program that could refuse the library
  if (theirs->word_size != ours->word_size || theirs->machine != ours->machine) {
    return executable + " is built for another kind of processor";
  }
  if (!theirs->loader.empty() && theirs->loader != ours->loader) {
    return executable + " is not linked with glibc (" + theirs->loader + ")";
  }
  return {};
}

// A sanitizer's runtime ends the program when it is not the first library.
bool sanitizer_is_preloaded() {
  const char* theirs = std::getenv("LD_PRELOAD");
  const std::string libraries = theirs == nullptr ? "" : theirs;
  for (const char* runtime : {"libasan", "libtsan", "liblsan", "libmsan", "libubsan", "libhwasan", "libclang_rt"}) {
    if (libraries.find(runtime) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

Preload find_preload(const std::vector<std::string>& command) {
  const std::string folder = package_folder();
  const std::string library = folder + "/libheapledger_preload.so";
  if (folder.empty() || ::access(library.c_str(), R_OK) != 0) {
    return {{}, "the preload library is not beside this program"};
  }
  if (library.find_first_of(" :$") != std::string::npos) {
    return {{}, "LD_PRELOAD cannot name a folder with a space, a colon or a dollar sign: " + folder};
  }
  if (sanitizer_is_preloaded()) return {{}, "LD_PRELOAD names a sanitizer, which has to come first"};
  if (const std::string reason = unfit(executable_of(command.front())); !reason.empty()) return {{}, reason};
  if (!allocator_has_operators()) return {library, {}};
  return {library + ":" + folder + "/libheapledger_preload_operators.so", {}};
}

std::string with_preload(const std::string& entry) {
  const char* theirs = std::getenv("LD_PRELOAD");
  return theirs != nullptr && *theirs != '\0' ? entry + ":" + theirs : entry;
}

}  // namespace heapledger::cli
