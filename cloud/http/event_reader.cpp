#include "cloud/http/client.h"

namespace spillway::cloud::http {

bool EventReader::take(std::string_view bytes,
                       const std::function<bool(const ServerEvent&)>& each) {
  rest_ += bytes;
  std::size_t begin = 0;
  for (std::size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string_view text(rest_.data() + begin, end - begin);
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (!line(text, each)) return false;
  }
  rest_.erase(0, begin);
  if (rest_.size() > kMaxEvent) rest_.clear();
  return true;
}

bool EventReader::line(std::string_view text, const std::function<bool(const ServerEvent&)>& each) {
  if (text.empty()) {
    ServerEvent whole = std::exchange(event_, {});
    event_.id = whole.id;
    return whole.data.empty() || each(whole);
  }
  std::size_t colon = text.find(':');
  std::string_view field = text.substr(0, colon);
  std::string_view value =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (!value.empty() && value[0] == ' ') value.remove_prefix(1);
  if (field == "id") event_.id = value;
  if (field == "event") event_.name = value;
  if (field == "data" && event_.data.size() + value.size() <= kMaxEvent) {
    if (!event_.data.empty()) event_.data += '\n';
    event_.data += value;
  }
  return true;
}

}  // namespace spillway::cloud::http
