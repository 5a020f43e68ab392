// Fuzzes Recording: the input lies, in chunks, over the pages of a sound recording. Reading it may throw RecordingError
// and nothing else.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../tests/unit/recording/recordings_for_tests.h"
#include "recording/recording.h"
#include "recording/store.h"

namespace {

namespace fs = std::filesystem;
using namespace heapledger::recording;

// A folder of this process's own, gone when it ends.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "recording-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  fs::path file(const char* name) const { return folder_ / name; }

 private:
  fs::path folder_;
};

const Scratch& scratch() {
  static const Scratch instance;
  return instance;
}

std::vector<char> sound_recording() {
  const fs::path path = scratch().file("sound.db");
  {
    Store::Beginning beginning;
    beginning.command = "gunicorn";
    auto store = Store::create(path.string(), beginning);
    store->begin();
    WorkerRow worker;
    worker.pid = 7;
    worker.python = "3.11.2";
    const std::int64_t worker_id = store->add_worker(worker);
    EndpointRow endpoint;
    endpoint.method = "GET";
    endpoint.route = "/v1/orders";
    const std::int64_t endpoint_id = store->intern_endpoint(endpoint);
    for (std::int64_t sequence = 1; sequence <= 40; ++sequence) {
      RequestRow row;
      row.worker = worker_id;
      row.sequence = sequence;
      row.endpoint = endpoint_id;
      row.allocated_bytes = 1000 * sequence;
      row.peak_bytes = 500 * sequence;
      store->add_request(row);
    }
    store->commit();
    store->close(1, true);
  }
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Input: chunks of a 4-byte place, a 1-byte length and that many bytes.
void lay_over(std::vector<char>& bytes, const std::uint8_t* data, std::size_t size) {
  while (size > 5) {
    std::uint32_t place = 0;
    std::memcpy(&place, data, sizeof place);
    const std::size_t start = place % bytes.size();
    const std::size_t count = std::min<std::size_t>({data[4], size - 5, bytes.size() - start});
    std::memcpy(bytes.data() + start, data + 5, count);
    data += 5 + count;
    size -= 5 + count;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<char> sound = sound_recording();
  std::vector<char> bytes = sound;
  lay_over(bytes, data, size);
  const fs::path path = scratch().file("fuzzed.db");
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  try {
    read_everything(Recording(path));
  } catch (const RecordingError&) {
  }
  return 0;
}
