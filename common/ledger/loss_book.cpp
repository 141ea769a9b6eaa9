#include "common/ledger/loss_book.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>

namespace spillway::ledger {
namespace {

using Kind = std::pair<DataClass, LossCause>;

// Periods that follow each other are one line.
bool goes_on(const wire::LossEntry& before, const wire::LossEntry& next) {
  return next.key.period - before.key.period <= kLossPeriod;
}

void widen(LossLine& line, const wire::LossEntry& entry) {
  line.count += entry.count;
  line.at_least |= entry.at_least;
  line.first = line.first == Duration{} ? entry.first : std::min(line.first, entry.first);
  line.last = std::max(line.last, entry.last);
}

std::vector<LossLine> lines_of(LossCause cause, const std::vector<wire::LossEntry>& entries,
                               std::uint64_t total) {
  std::vector<LossLine> lines;
  LossLine whole{cause, {}, {}, 0};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i == 0 || !goes_on(entries[i - 1], entries[i])) lines.push_back({cause, {}, {}, 0});
    widen(lines.back(), entries[i]);
    widen(whole, entries[i]);
  }
  if (whole.count == total) return lines;
  whole.count = total;
  return {whole};
}

std::string text_of(Duration wall, const char* format) {
  const auto seconds =
      static_cast<std::time_t>(std::chrono::duration_cast<std::chrono::seconds>(wall).count());
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32] = {};
  std::strftime(text, sizeof text, format, &parts);
  return text;
}

std::string span_of(const LossLine& line) {
  if (line.first == Duration{}) return "at a time its clock did not know";
  const bool same_day = text_of(line.first, "%F") == text_of(line.last, "%F");
  return text_of(line.first, "%F %H:%M") + "\u2013" +
         text_of(line.last, same_day ? "%H:%M" : "%F %H:%M") + " UTC";
}

}  // namespace

LossBook reconcile(const StoredLosses& stored) {
  LossBook book;
  for (const StoredLosses::Produced& made : stored.produced) {
    book[static_cast<std::size_t>(made.data)].produced += made.count;
  }
  std::map<Kind, std::uint64_t> totals;
  for (const StoredLosses::Total& total : stored.totals) {
    totals[{total.data, total.cause}] += total.count;
  }
  std::map<Kind, std::vector<wire::LossEntry>> entries;
  for (const wire::LossEntry& entry : stored.entries) {
    entries[{entry.key.data, entry.key.cause}].push_back(entry);
  }
  for (const auto& [kind, total] : totals) {
    ClassAccount& account = book[static_cast<std::size_t>(kind.first)];
    (is_missed(kind.second) ? account.missing : account.let_go) += total;
    if (!is_missed(kind.second)) continue;
    for (LossLine& line : lines_of(kind.second, entries[kind], total)) {
      account.lines.push_back(line);
    }
  }
  return book;
}

std::string describe(const ClassAccount& account) {
  if (account.missing == 0) return "complete";
  std::string text;
  for (const LossLine& line : account.lines) {
    text += std::string(text.empty() ? "missing " : "; ") + (line.at_least ? "at least " : "") +
            std::to_string(line.count) + ", " + span_of(line) + ", cause " +
            std::string(to_string(line.cause));
  }
  return text;
}

}  // namespace spillway::ledger
