#pragma once

#include <boost/json/object.hpp>
#include <cassert>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "cloud/access/access.h"
#include "cloud/http/encoding.h"
#include "cloud/http/exchange.h"
#include "cloud/http/problem.h"

namespace spillway::cloud::api {

// What every route speaks of.
using access::Principal;
using access::Scope;
using http::Answer;
using http::Method;
using http::problem;
using http::Request;
using http::Response;

// Reads named values, collecting what is wrong with them; finish() also refuses what nobody asked
// for, so that a misspelt filter does not select everything. A value that is not given, or is
// wrong, reads as none; the first wrong one is finish()'s invalid_argument. One thread.
class Reading {
 public:
  Status finish() const;

 protected:
  void complain(const std::string& name, const std::string& what);
  std::string problem_;  // the first one
};

using Names = std::span<const std::string_view>;
// What is wrong with a value that is none of these.
std::string none_of(std::string_view value, Names names);

class QueryReader : public Reading {
 public:
  explicit QueryReader(http::Parameters parameters) : parameters_(std::move(parameters)) {}
  void refuse(const std::string& name, const std::string& what) { complain(name, what); }
  std::optional<std::string> text(const std::string& name);
  std::optional<std::uint64_t> number(const std::string& name, std::uint64_t low,
                                      std::uint64_t high);
  std::optional<bool> flag(const std::string& name);
  std::vector<std::string> list(const std::string& name);  // separated by commas, not empty each
  // Complains unless the value is one that `parse` knows; `names` are those.
  template <class Parse>
  auto word(const std::string& name, const Parse& parse, Names names)
      -> decltype(parse(std::string_view())) {
    std::optional<std::string> value = text(name);
    if (!value) return std::nullopt;
    auto known = parse(std::string_view(*value));
    if (!known) complain(name, none_of(*value, names));
    return known;
  }
  template <class Parse>
  auto words(const std::string& name, const Parse& parse, Names names) {
    std::vector<std::remove_reference_t<decltype(*parse(std::string_view()))>> known;
    for (const std::string& value : list(name)) {
      if (auto one = parse(std::string_view(value))) {
        known.push_back(*one);
      } else {
        complain(name, none_of(value, names));
      }
    }
    return known;
  }
  Status finish();

 private:
  http::Parameters parameters_;
  std::set<std::string> read_;
};

class BodyReader : public Reading {
 public:
  explicit BodyReader(const boost::json::object& body) : body_(body) {}
  std::optional<std::string> text(const std::string& name, std::size_t longest);
  std::optional<double> number(const std::string& name, double low, double high);
  std::optional<bool> flag(const std::string& name);
  std::optional<std::vector<std::string>> texts(const std::string& name, std::size_t most,
                                                std::size_t longest);
  const boost::json::object* object(const std::string& name);
  template <class T>
  T required(const std::string& name, std::optional<T> value) {
    if (!value && !body_.contains(name)) complain(name, "is missing");
    return value.value_or(T{});
  }
  void refuse(const std::string& name, const std::string& what) { complain(name, what); }
  Status finish();

 private:
  const boost::json::value* find(const std::string& name);
  const boost::json::object& body_;
  std::set<std::string> read_;
};

// One request on its way to its operation.
struct Call {
  Request request;
  std::map<std::string, std::string, std::less<>> path;  // parameters of the template
  http::Parameters query;
  boost::json::object body;
  Principal who;
  std::string id;  // of the request
  Duration now{};  // since 1970

  const std::string& at(std::string_view name) const {
    const auto found = path.find(name);
    assert(found != path.end() && "the operation's template has no such parameter");
    return found->second;
  }
};

}  // namespace spillway::cloud::api
