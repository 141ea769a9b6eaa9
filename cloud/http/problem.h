#pragma once

#include <string>
#include <string_view>

#include "cloud/http/exchange.h"
#include "spillway/status.h"

namespace spillway::cloud::http {

// RFC 9457: what went wrong, in a form to branch on (`type`, stable) and to read (`detail`).
Response problem(unsigned status, std::string_view type, const std::string& detail);
Response problem(const Error& error);

}  // namespace spillway::cloud::http
