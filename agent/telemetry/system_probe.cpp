#include "agent/telemetry/system_probe.h"

#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "common/crypto/certificate.h"

namespace spillway::agent {
namespace {

namespace fs = std::filesystem;
using wire::Metric;
using wire::Metrics;

constexpr std::size_t kMaxFolders = 32;  // thermal zones or power supplies looked at

std::vector<std::string> folders_in(const std::string& parent, const std::string& prefix) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator at(parent, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename();
    if (name.starts_with(prefix) && found.size() < kMaxFolders) found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::optional<std::int64_t> expiry_of(const std::string& certificate) {
  if (certificate.empty()) return std::nullopt;
  auto info = crypto::read_certificate({certificate, "", ""});
  if (!info) return std::nullopt;
  return info->not_after.time_since_epoch().count();
}

std::string kernel_release() {
  utsname name{};
  return uname(&name) == 0 ? std::string(name.release).substr(0, 64) : "";
}

}  // namespace

SystemProbe::SystemProbe(ProbeOptions options)
    : options_(std::move(options)),
      expires_(expiry_of(options_.certificate)),
      kernel_(kernel_release()),
      zones_(folders_in(options_.root + "/sys/class/thermal", "thermal_zone")),
      batteries_(folders_in(options_.root + "/sys/class/power_supply", "")) {}

std::optional<std::string> SystemProbe::text(const std::string& path) const {
  std::ifstream file(options_.root + path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string content(16 * 1024, '\0');
  file.read(content.data(), std::streamsize(content.size()));
  content.resize(std::size_t(file.gcount()));
  return content;
}

std::optional<std::int64_t> SystemProbe::number(const std::string& path) const {
  auto content = text(path);
  return content ? parse_number(*content) : std::nullopt;
}

void SystemProbe::measure(wire::Telemetry& into) {
  into.kernel = kernel_;
  measure_cpu(into);
  measure_memory(into.metrics);
  measure_heat(into.metrics);
  measure_storage(into.metrics);
  measure_power(into.metrics);
  measure_link(into.metrics);
  measure_clock(into.metrics);
  if (expires_) into.metrics.set(Metric::certificate_expires_s, *expires_);
}

wire::Metrics SystemProbe::heat_and_charge() const {
  wire::Metrics metrics;
  measure_heat(metrics);
  measure_power(metrics);
  return metrics;
}

void SystemProbe::measure_cpu(wire::Telemetry& into) {
  std::vector<CpuTimes> now = parse_cpu_times(text("/proc/stat").value_or(""));
  if (now.size() == cpu_.size() && !now.empty()) {
    if (auto share = busy_share(cpu_[0], now[0])) {
      into.metrics.set(Metric::cpu_permille, std::lround(*share * 1000));
    }
    for (std::size_t i = 1; i < now.size() && i <= wire::kMaxCores; ++i) {
      double share = busy_share(cpu_[i], now[i]).value_or(0);
      into.cores.push_back(std::uint8_t(std::lround(share * 100)));
    }
  }
  cpu_ = std::move(now);
}

void SystemProbe::measure_memory(Metrics& into) const {
  std::string info = text("/proc/meminfo").value_or("");
  auto total = parse_field(info, "MemTotal");
  auto available = parse_field(info, "MemAvailable");
  if (!total || !available || *available > *total) return;
  into.set(Metric::memory_total, std::int64_t(*total));
  into.set(Metric::memory_used, std::int64_t(*total - *available));
}

void SystemProbe::measure_heat(Metrics& into) const {
  std::optional<std::int64_t> hottest;
  for (const std::string& zone : zones_) {
    auto heat = number(zone.substr(options_.root.size()) + "/temp");
    // Zones without a sensor report absurd figures.
    if (heat && *heat > -60'000 && *heat < 200'000)
      hottest = std::max(hottest.value_or(*heat), *heat);
  }
  if (hottest) into.set(Metric::temperature_mc, *hottest);
  auto limit = number("/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq");
  auto best = number("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq");
  if (limit && best) into.set(Metric::throttled, *limit < *best ? 1 : 0);
}

void SystemProbe::measure_storage(Metrics& into) const {
  struct statvfs disk {};
  if (statvfs(options_.state_dir.c_str(), &disk) == 0) {
    into.set(Metric::disk_total, std::int64_t(disk.f_blocks * disk.f_frsize));
    into.set(Metric::disk_free, std::int64_t(disk.f_bavail * disk.f_frsize));
  }
  std::error_code error;
  std::uintmax_t bytes = 0;
  for (const char* part : {"/agent.db", "/agent.db-wal"}) {
    std::uintmax_t size = fs::file_size(options_.state_dir + part, error);
    if (!error) bytes += size;
  }
  if (bytes > 0) into.set(Metric::store_bytes, std::int64_t(bytes));
  auto written = parse_field(text("/proc/self/io").value_or(""), "write_bytes");
  if (written) into.set(Metric::flash_written, std::int64_t(*written));
}

void SystemProbe::measure_power(Metrics& into) const {
  for (const std::string& supply : batteries_) {
    std::string path = supply.substr(options_.root.size());
    if (!text(path + "/type").value_or("").starts_with("Battery")) continue;
    auto percent = number(path + "/capacity");
    if (!percent || *percent < 0 || *percent > 100) continue;
    into.set(Metric::battery_permille, *percent * 10);
    bool used = text(path + "/status").value_or("").starts_with("Discharging");
    into.set(Metric::on_battery, used ? 1 : 0);
    return;
  }
}

void SystemProbe::measure_link(Metrics& into) const {
  auto interface = default_interface(text("/proc/net/route").value_or(""));
  if (interface) into.set(Metric::link_type, std::int64_t(link_type(*interface)));
}

wire::LinkType SystemProbe::link_type(const std::string& interface) const {
  constexpr std::int64_t kEthernet = 1;  // ARPHRD_ETHER
  std::string folder = options_.root + "/sys/class/net/" + interface;
  std::error_code error;
  if (fs::exists(folder + "/wireless", error) || fs::exists(folder + "/phy80211", error)) {
    return wire::LinkType::wifi;
  }
  for (const char* prefix : {"wwan", "ppp", "rmnet", "usb"}) {
    if (interface.starts_with(prefix)) return wire::LinkType::cellular;
  }
  if (interface.starts_with("tun") || interface.starts_with("wg")) return wire::LinkType::tunnel;
  auto type = number("/sys/class/net/" + interface + "/type");
  return type == kEthernet ? wire::LinkType::ethernet : wire::LinkType::unknown;
}

void measure_clock(Metrics& into) {
  timex clock{};
  int state = adjtimex(&clock);
  if (state < 0) return;
  constexpr std::int64_t kYear2020 = 1'577'836'800;
  bool set = clock.time.tv_sec > kYear2020;
  bool synchronised = state != TIME_ERROR && !(clock.status & STA_UNSYNC);
  auto source = !set           ? wire::ClockSource::unset
                : synchronised ? wire::ClockSource::ntp
                               : wire::ClockSource::rtc;
  into.set(Metric::clock_source, std::int64_t(source));
  // Without a source the kernel's estimate says nothing.
  if (synchronised) into.set(Metric::clock_error_us, clock.esterror);
}

}  // namespace spillway::agent
