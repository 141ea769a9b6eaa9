#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

namespace spillway::test {

namespace json = boost::json;

// An OpenAPI 3.1 document, and the part of JSON Schema 2020-12 that it uses. A keyword it does not
// know is reported, so that nothing in the document goes unchecked.
class OpenApi {
 public:
  static OpenApi read(const std::string& path);

  const json::object& root() const { return root_; }
  // What is wrong with the value; empty: nothing. Each begins with where.
  std::vector<std::string> check(const json::value& value, const json::value& schema) const;
  // What is wrong with the document itself.
  std::vector<std::string> lint() const;

  struct Operation {
    std::string method, path, id, scope;  // method in upper case, path with its prefix
    const json::object* item = nullptr;
  };
  std::vector<Operation> operations() const;
  // Follows $ref.
  const json::object& resolve(const json::value& value) const;

 private:
  void check(const json::value& value, const json::value& schema, const std::string& where,
             std::vector<std::string>& problems) const;
  void check_object(const json::object& value, const json::object& schema, const std::string& where,
                    std::vector<std::string>& problems) const;
  void lint_refs(const json::value& value, const std::string& where,
                 std::vector<std::string>& problems) const;
  void lint_operation(const Operation& operation, std::vector<std::string>& problems) const;
  json::object root_;
};

}  // namespace spillway::test
