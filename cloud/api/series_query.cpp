#include "cloud/api/series_query.h"

namespace spillway::cloud::api {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t kLatest = 1ULL << 40;  // seconds since 1970
constexpr std::int64_t kMaxPoints = 720;

}  // namespace

std::int64_t step_of(Resolution resolution) {
  return resolution == Resolution::sample ? 10 : resolution == Resolution::minute ? 60 : 900;
}

SeriesQuery read_series(QueryReader& query, Duration now) {
  auto to = query.number("to", 0, kLatest);
  auto from = query.number("from", 0, kLatest);
  SeriesQuery series;
  series.until = to ? Duration(std::chrono::seconds(*to)) : now;
  series.from = from ? Duration(std::chrono::seconds(*from)) : series.until - 1h;
  std::int64_t span = std::chrono::ceil<std::chrono::seconds>(series.until - series.from).count();
  series.resolution = span <= 10 * kMaxPoints   ? Resolution::sample
                      : span <= 60 * kMaxPoints ? Resolution::minute
                                                : Resolution::quarter;
  if (auto step = query.text("step")) {
    for (Resolution each : {Resolution::sample, Resolution::minute, Resolution::quarter}) {
      if (std::to_string(step_of(each)) == *step) {
        series.resolution = each;
        return series;
      }
    }
    query.refuse("step", "must be 10, 60 or 900");
  }
  return series;
}

}  // namespace spillway::cloud::api
