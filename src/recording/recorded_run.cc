#include "recording/recorded_run.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/clock.h"
#include "recording/process_table.h"
#include "recording/rotation.h"
#include "recording/run_folder.h"

namespace heapledger::recording {
namespace {

constexpr char kDefaultName[] = "heapledger.db";

}  // namespace

RecordedRun::RecordedRun(const RunOptions& options) {
  const std::string base = run_base(options.run_dir);
  recovered_ = recover_unfinished_runs(base);
  folder_ = create_run_folder(base);
  try {
    open(options);
  } catch (...) {
    remove_run_folder(folder_);
    throw;
  }
}

void RecordedRun::open(const RunOptions& options) {
  const bool named = !options.output.empty();
  path_ = named ? options.output : kDefaultName;
  if (options.absolute_path) path_ = std::filesystem::absolute(path_).string();
  const bool gives_way = !named || options.force || options.rotate;
  if (gives_way) await_writers(path_, options.wait_ms);  // before the claim: others may start meanwhile
  const FolderClaim claim(path_);
  if (gives_way && options.beside_others) {
    const std::string asked = std::exchange(path_, name_beside_others(path_));
    beside_another_ = path_ != asked;
  }
  const auto pid = static_cast<std::uint64_t>(::getpid());
  const auto now = static_cast<std::int64_t>(base::unix_ns());
  lock_ = write_run_info(folder_,
                         {pid, process_start_ticks(pid).value_or(0), std::filesystem::absolute(path_).string(), now});
  if (named && !options.rotate) {
    claim_output(path_, options.force);
  } else {
    rotate_recordings(path_, named);
  }
  Store::Beginning beginning;
  beginning.heapledger_version = HEAPLEDGER_VERSION;
  beginning.command = options.command;
  beginning.mode = options.mode;
  beginning.started_unix_ns = now;
  store_ = Store::create(path_, beginning);
  CollectorOptions collecting;
  collecting.run_folder = folder_;
  collecting.max_bytes = options.max_bytes;
  collector_ = std::make_unique<Collector>(*store_, std::move(collecting));
}

RecordedRun::~RecordedRun() {
  if (store_) abandon();
}

void RecordedRun::abandon() noexcept {
  collector_.reset();
  store_.reset();
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((path_ + suffix).c_str());
  remove_run_folder(folder_);
  lock_.release();
}

CollectorSummary RecordedRun::close() {
  collector_->finish();
  CollectorSummary summary = collector_->summary();
  collector_.reset();
  store_->close(static_cast<std::int64_t>(base::unix_ns()), summary.lost_nothing());
  store_.reset();
  remove_run_folder(folder_);
  lock_.release();
  return summary;
}

}  // namespace heapledger::recording
