#include "tests/chaos/fleet_reader.h"

#include <boost/json.hpp>

#include "agent/intake/client.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace spillway::chaos {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

std::uint64_t count(const json::value& body) {
  const json::value* found = body.is_object() ? body.get_object().if_contains("count") : nullptr;
  boost::system::error_code error;
  return found != nullptr ? found->to_number<std::uint64_t>(error) : 0;
}

LossSums missed(LossSums sums) {
  std::erase_if(sums, [](const auto& sum) {
    return sum.second == 0 || sum.first.second == to_string(LossCause::retention);
  });
  return sums;
}

std::string words(const LossSums& sums) {
  std::string all;
  for (const auto& [what, count] : sums) {
    all += (all.empty() ? "" : ", ") + std::to_string(count) + " " + what.first + " (" +
           what.second + ")";
  }
  return all.empty() ? "none" : all;
}

}  // namespace

std::string text(const json::value& body, const char* name) {
  const json::value* found = body.is_object() ? body.get_object().if_contains(name) : nullptr;
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

Result<std::vector<ctl::Api>> log_in(const std::string& cloud_folder,
                                     const std::vector<std::string>& scopes) {
  std::string link;
  const bool there = test::eventually(
      10s, [&] { return !(link = test::read_text(cloud_folder + "/link.txt")).empty(); });
  if (!there) return fail(Code::unavailable, "the cloud left no link to log in with");
  auto session = ctl::Api::log_in(link.substr(0, link.find('\n')), "");
  if (!session) return session.error();
  std::vector<ctl::Api> apis;
  for (const std::string& scope : scopes) {
    const json::value wanted{{"name", "chaos-" + scope}, {"scope", scope}};
    const auto made = session->call(cloud::http::Method::post, "/tokens", &wanted);
    if (!made) return made.error();
    auto api = ctl::Api::open({link.substr(0, link.find("/login#")), text(*made, "secret"), ""});
    if (!api) return api.error();
    apis.push_back(*std::move(api));
  }
  return apis;
}

Result<LossSums> FleetReader::losses(const std::string& device) {
  const auto body = api_.get("/devices/" + device + "/losses");
  if (!body) return body.error();
  LossSums sums;
  const json::value* items = body->is_object() ? body->get_object().if_contains("items") : nullptr;
  if (items == nullptr || !items->is_array()) return fail(Code::corrupt, "no list of losses");
  for (const json::value& item : items->get_array()) {
    sums[{text(item, "class"), text(item, "cause")}] += count(item);
  }
  return sums;
}

std::optional<std::string> FleetReader::differs(const std::string& socket,
                                                const std::string& device,
                                                std::chrono::milliseconds patience) {
  std::string difference;
  const bool same = test::eventually(patience, [&] {
    auto client = intake::Client::connect(socket);
    if (!client) return difference = client.error().message, false;
    const auto node = client->ask<NodeView>(wire::StatusRequest{}, 10s);
    if (!node) return difference = node.error().message, false;
    const auto here = missed(sums_of(*node));
    const auto there = losses(device);
    if (!there) return difference = there.error().message, false;
    difference = "it lost " + words(here) + ", the cloud knows of " + words(missed(*there));
    return here == missed(*there);
  });
  if (same) return std::nullopt;
  return "P23: " + device + ": " + difference;
}

}  // namespace spillway::chaos
