#pragma once

#include <boost/json/value.hpp>
#include <optional>

#include "cloud/access/access_rows.h"
#include "cloud/fleet/views.h"
#include "cloud/http/exchange.h"

// What the fleet shows, in the words of openapi.json. Any thread.
namespace spillway::cloud::api {

namespace json = boost::json;

json::value json_of(const FleetSummary& summary);
json::value json_of(const DeviceRow& row);
json::value json_of(const DeviceView& device);
json::value json_of(const DeviceFacets& facets);
json::value json_of(const SessionView& session);
json::value json_of(const FleetEvent& event);
json::value json_of(const LossTotal& loss);
json::value json_of(const OffloadedTask& task);
json::value json_of(const KindTotals& kind);
json::value json_of(const Alert& alert);
json::value json_of(const AlertRule& rule);
json::value json_of(const Silence& silence);
json::value json_of(const access::TokenRow& token);
json::value json_of(const access::SessionRow& session);
json::value json_of(const access::AuditRow& line);
json::value json_of(const FleetChange& change);

template <class T>
json::array json_list(const std::vector<T>& items) {
  json::array list;
  list.reserve(items.size());
  for (const T& item : items) list.push_back(json_of(item));
  return list;
}

// Null when there is none.
json::value time_or_null(std::optional<Duration> since_1970);

http::Response json_response(const json::value& value, unsigned status = 200);
// A page of a list.
template <class T>
json::object page_of(const std::vector<T>& items, std::optional<std::string> next) {
  return {{"items", json_list(items)}, {"next", next ? json::value(*next) : json::value(nullptr)}};
}

}  // namespace spillway::cloud::api
