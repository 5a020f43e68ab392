// Runs a fuzzer's one function without libFuzzer: on the files and folders named, then on generated inputs.
//
//   ledger_view_fuzz [-runs=N] [FILE|FOLDER]...
//
// Single-threaded. The generated inputs are the same in every run.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kLargestGeneratedBytes = 4096;

void replay_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "error: cannot read %s\n", path.c_str());
    std::exit(2);
  }
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::size_t replay(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) {
    replay_file(path);
    return 1;
  }
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.is_regular_file()) {
      replay_file(entry.path());
      ++count;
    }
  }
  return count;
}

void run_generated(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint8_t> bytes(random() % kLargestGeneratedBytes);
  for (auto& byte : bytes) {
    byte = static_cast<std::uint8_t>(random());
  }
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t runs = 0;
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "-runs=", 6) == 0) {
      runs = std::strtoull(argv[i] + 6, nullptr, 10);
    } else {
      files += replay(argv[i]);
    }
  }
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    run_generated(seed);
  }
  std::printf("replayed %zu files and %llu generated inputs\n", files, static_cast<unsigned long long>(runs));
  return 0;
}
