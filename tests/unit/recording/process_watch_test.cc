// How processes ended, told by their parent, by the zombie and by the pidfd.
#include "recording/process_watch.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "recording/process_table.h"

namespace heapledger::recording {
namespace {

// A child that waits to be ended.
class Child {
 public:
  Child() : pid_(::fork()) {
    while (pid_ == 0) ::pause();
    watch_ = std::make_unique<ProcessWatch>(number(), process_start_ticks(number()).value());
  }
  // Ended, and not waited for.
  void end_by(int signal) const {
    ::kill(pid_, signal);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  int wait() const {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return status;
  }
  ProcessWatch& watch() { return *watch_; }
  std::uint64_t number() const { return static_cast<std::uint64_t>(pid_); }

 private:
  pid_t pid_;
  std::unique_ptr<ProcessWatch> watch_;
};

bool pidfds_tell() {
  utsname system{};
  int major = 0;
  int minor = 0;
  ::uname(&system);
  std::sscanf(system.release, "%d.%d", &major, &minor);
  return major > 6 || (major == 6 && minor >= 15);
}

TEST(ProcessWatch, KnowsNothingWhileTheProcessRuns) {
  Child child;
  EXPECT_TRUE(child.watch().runs());
  EXPECT_FALSE(child.watch().wait_status());
  child.end_by(SIGKILL);
  child.wait();
}

TEST(ProcessWatch, ReadsTheZombie) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    Child child;
    child.end_by(signal);
    EXPECT_FALSE(child.watch().runs());
    EXPECT_EQ(child.watch().wait_status(), signal);
    child.wait();
  }
}

TEST(ProcessWatch, AsksThePidfdOnceSomebodyHasWaited) {
  if (!pidfds_tell()) GTEST_SKIP() << "this kernel tells nobody but the parent";
  Child child;
  child.end_by(SIGTERM);
  child.wait();
  EXPECT_EQ(child.watch().wait_status(), SIGTERM);
}

TEST(ProcessWatch, BelievesTheParent) {
  Child child;
  child.end_by(SIGTERM);
  child.watch().note_wait_status(child.wait());
  EXPECT_EQ(child.watch().wait_status(), SIGTERM);
}

TEST(ProcessWatch, KnowsNothingOfAProcessThatWasGoneBefore) {
  Child child;
  const std::uint64_t ticks = process_start_ticks(child.number()).value();
  child.end_by(SIGTERM);
  child.wait();
  const ProcessWatch late(child.number(), ticks);
  EXPECT_FALSE(late.runs());
  EXPECT_FALSE(late.wait_status());
}

TEST(Departures, TellAskingFromKilling) {
  EXPECT_FALSE(departure_of(std::nullopt).meant);
  EXPECT_TRUE(departure_of(3 << 8).meant);
  EXPECT_FALSE(departure_of(3 << 8).signal);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) EXPECT_TRUE(departure_of(signal).meant);
  for (const int signal : {SIGKILL, SIGSEGV, SIGABRT}) {
    EXPECT_FALSE(departure_of(signal | 0x80).meant);
    EXPECT_EQ(departure_of(signal | 0x80).signal, signal);
  }
}

}  // namespace
}  // namespace heapledger::recording
