// Recordings with known rows, for the tests of store and reader.
#pragma once

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "recording/recording.h"
#include "recording/store.h"

namespace heapledger::recording {

inline constexpr std::int64_t kStartedNs = 1'700'000'000'000'000'000;

inline Store::Beginning beginning() {
  Store::Beginning beginning;
  beginning.heapledger_version = "0.1.0";
  beginning.command = "gunicorn";
  beginning.started_unix_ns = kStartedNs;
  return beginning;
}

inline WorkerRow a_worker() {
  WorkerRow worker;
  worker.pid = 4711;
  worker.parent_pid = 4700;
  worker.python = "3.11.2";
  worker.server = "gunicorn";
  worker.rule = "pymalloc pools";
  worker.started_us = 1000;
  return worker;
}

inline RequestRow a_request(std::int64_t worker, std::int64_t endpoint, std::int64_t sequence) {
  RequestRow row;
  row.worker = worker;
  row.sequence = sequence;
  row.endpoint = endpoint;
  row.started_us = sequence * 1000;
  row.duration_us = 500;
  row.status = 200;
  row.in_flight_at_start = 1;
  row.in_flight_peak = 2;
  row.allocated_bytes = 1000 * sequence;
  row.allocations = sequence;
  row.peak_bytes = 100 * sequence;
  row.escaped_bytes = 7;
  row.isolated_bytes = 1000 * sequence - 7;
  row.byte_seconds = 0.25;
  row.running_us = 400;
  return row;
}

// A closed recording with one worker, one endpoint and `requests` requests.
inline void write_recording(const std::string& path, int requests) {
  const std::unique_ptr<Store> store = Store::create(path, beginning());
  store->begin();
  const std::int64_t worker = store->add_worker(a_worker());
  const std::int64_t endpoint = store->intern_endpoint({0, "GET", "/orders", "", false});
  for (int sequence = 1; sequence <= requests; ++sequence) store->add_request(a_request(worker, endpoint, sequence));
  store->commit();
  store->close(kStartedNs + 5'000'000'000, true);
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void put_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Reads every table. Returns the number of requests.
inline std::size_t read_everything(const Recording& recording) {
  recording.read_meta();
  recording.workers();
  recording.endpoints();
  recording.content_types();
  recording.content_encodings();
  recording.payloads();
  recording.body_limits();
  recording.owner_totals();
  recording.in_flight();
  recording.peaks();
  recording.timeline();
  recording.notes();
  recording.slices();
  recording.for_each_body([](const BodyRow&) {});
  recording.for_each_curve({}, [](const RequestCurveRow&) {});
  for (const RequestPhase phase : {RequestPhase::kRead, RequestPhase::kSend}) {
    recording.for_each_phase(phase, {}, [](const PhaseRow&) {});
  }
  recording.requests_with_ids({1, 2, 3});
  return recording.requests().size();
}

}  // namespace heapledger::recording
