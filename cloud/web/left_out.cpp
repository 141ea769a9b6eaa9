#include "cloud/http/asset.h"

namespace spillway::cloud::http {
namespace {

constexpr std::string_view kPage =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Spillway</title>"
    "<h1>Spillway</h1><p>This cloud was built without its dashboard: npm was not there, or "
    "SPILLWAY_WEB was off. The interface under <code>/api/v1</code> and <code>spwctl</code> show "
    "all that it would.</p></html>";

}  // namespace

std::span<const Asset> assets() {
  static const Asset page[] = {
      {"/", "text/html; charset=utf-8", "\"left-out\"", false, as_bytes(kPage), {}, {}}};
  return page;
}

}  // namespace spillway::cloud::http
