#include "tests/chaos/cuts/power_cuts.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "tests/sim/random.h"

namespace spillway::chaos {
namespace {

namespace fs = std::filesystem;
using sim::Random;
using test::DiskImage;
using test::RecordedDisk;
using test::Survives;

constexpr std::uint64_t kCutsOfALife = 200;
constexpr unsigned kLivesOfAStore = 4;

struct Cut {
  std::size_t at = 0;
  Survives survives = Survives::nothing;
  std::uint64_t seed = 0;
};

// The instants that matter, each in some way, and others at random.
std::vector<Cut> draw_cuts(const RecordedDisk& disk, Random& random) {
  std::vector<std::size_t> points = disk.points();
  for (std::size_t i = points.size(); i > 0; --i) {
    points.push_back(random.below(static_cast<unsigned>(disk.size() + 1)));
  }
  std::vector<Cut> cuts;
  for (const std::size_t at : points) {
    for (const Survives how : {Survives::nothing, Survives::all, Survives::some, Survives::some,
                               Survives::sectors, Survives::sectors}) {
      cuts.push_back({at, how, random.next()});
    }
  }
  for (std::size_t i = cuts.size(); i > 1; --i) {
    std::swap(cuts[i - 1], cuts[random.below(static_cast<unsigned>(i))]);
  }
  return cuts;
}

class Campaigner {
 public:
  explicit Campaigner(const CutCampaign& campaign) : campaign_(campaign) {
    subjects_.push_back(make_owner_subject(campaign.answers));
    subjects_.push_back(make_ledger_subject(campaign.answers));
  }

  CutReport run() {
    for (std::uint64_t round = 0; report_.cuts < campaign_.cuts && report_.violation.empty();
         ++round) {
      Subject& subject = *subjects_[round % subjects_.size()];
      subject.start_over();
      DiskImage disk;
      for (unsigned life = 0; life < kLivesOfAStore && more(); ++life) {
        disk = live_and_die(subject, disk, campaign_.seed + report_.lives);
      }
    }
    return std::move(report_);
  }

 private:
  bool more() const { return report_.cuts < campaign_.cuts && report_.violation.empty(); }
  std::string folder(const std::string& name) const { return campaign_.folder + "/" + name; }

  // Answers a disk that one of the cuts left, for the next life.
  DiskImage live_and_die(Subject& subject, const DiskImage& base, std::uint64_t seed) {
    Random random(seed);
    const std::string home = folder("life");
    test::write_folder(home, base);
    RecordedDisk disk(home, base);
    if (campaign_.lying_drive) disk.lie();
    test::watch_files(&disk);
    const Status lived = subject.live(home, disk, random.next());
    test::watch_files(nullptr);
    report_.lives += 1;
    report_.promises += disk.promises();
    if (!lived) {
      report_.violation = subject.name() + " stopped working: " + lived.error().message;
      return {};
    }
    enough_ = std::min(report_.cuts + kCutsOfALife, campaign_.cuts);
    const std::vector<Cut> cuts = draw_cuts(disk, random);
    judge_all(subject, disk, cuts);
    if (campaign_.progress) campaign_.progress(report_.cuts);
    const Cut& last = cuts.front();
    return disk.cut_at(last.at, last.survives, last.seed);
  }

  void judge_all(const Subject& subject, const RecordedDisk& disk, const std::vector<Cut>& cuts) {
    std::atomic<std::size_t> next{0};
    const auto work = [&](const std::string& place) {
      for (std::size_t i = next++; i < cuts.size(); i = next++) {
        if (!judge(subject, disk, cuts[i], place)) return;
      }
    };
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const unsigned count = campaign_.threads > 0 ? campaign_.threads : cores;
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < count; ++i) {
      threads.emplace_back(work, folder("cut-" + std::to_string(i)));
    }
    work(folder("cut-0"));
  }

  // False: there is no need to go on.
  bool judge(const Subject& subject, const RecordedDisk& disk, const Cut& cut,
             const std::string& place) {
    const DiskImage image = disk.cut_at(cut.at, cut.survives, cut.seed);
    const std::uint64_t promised = disk.promised_at(cut.at);
    {
      const std::lock_guard lock(mutex_);
      if (report_.cuts >= enough_ || !report_.violation.empty()) return false;
      if (!seen_.insert(test::fingerprint(image) + promised).second) return true;
      report_.cuts += 1;
    }
    test::write_folder(place, image);
    const std::string broken = subject.judge(place, promised);
    if (broken.empty()) return true;
    const std::lock_guard lock(mutex_);
    if (report_.violation.empty()) keep(subject, disk, cut, image, broken);
    return false;
  }

  void keep(const Subject& subject, const RecordedDisk& disk, const Cut& cut,
            const DiskImage& image, const std::string& broken) {
    report_.evidence = folder("broken");
    test::write_folder(report_.evidence, image);
    report_.violation = subject.name() + ", life " + std::to_string(report_.lives) + " of seed " +
                        std::to_string(campaign_.seed) + ", cut after operation " +
                        std::to_string(cut.at) + " of " + std::to_string(disk.size()) + ": " +
                        broken;
  }

  const CutCampaign& campaign_;
  std::vector<std::unique_ptr<Subject>> subjects_;
  std::mutex mutex_;  // guards the rest while cuts are judged
  CutReport report_;
  std::uint64_t enough_ = 0;  // cuts, for this life
  std::unordered_set<std::uint64_t> seen_;
};

}  // namespace

CutReport cut_power(const CutCampaign& campaign) { return Campaigner(campaign).run(); }

std::string summary(const CutReport& report) {
  return std::to_string(report.cuts) + " distinct power cuts in " + std::to_string(report.lives) +
         " lives of a store";
}

}  // namespace spillway::chaos
