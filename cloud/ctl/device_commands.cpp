#include <boost/json.hpp>

#include "cloud/ctl/commands.h"

// What is asked of a device itself, while it is connected.
namespace spillway::ctl {
namespace {

Result<json::value> ask(Api& api, const std::string& device, json::object command) {
  const json::value body = std::move(command);
  return api.call(Method::post, "/devices/" + escaped(device) + "/commands", &body);
}

int tell(Api& api, const Console& console, const std::string& device, const char* command) {
  auto answer = ask(api, device, {{"command", command}});
  return present(console, answer, {{"device", "device"}, {"taken up", "command"}});
}

}  // namespace

int device_drain(Api& api, const Console& console, const Words& words) {
  return tell(api, console, words.id, "drain");
}

int device_resume(Api& api, const Console& console, const Words& words) {
  return tell(api, console, words.id, "resume");
}

int device_logs(Api& api, const Console& console, const Words& words) {
  auto answer = ask(api, words.id, {{"command", "logs"}, {"lines", words.limit}});
  if (console.format != Format::table && console.format != Format::wide) {
    return present(console, answer, {{"device", "device"}, {"text", "text"}});
  }
  if (!answer) return complain(console, answer.error());
  console.out << std::string_view(answer->at("text").as_string());
  return 0;
}

}  // namespace spillway::ctl
