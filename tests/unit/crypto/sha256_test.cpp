#include "common/crypto/sha256.h"

#include <CppUTest/TestHarness.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/crypto/mac.h"
#include "common/crypto/random.h"

using namespace spillway;
using namespace spillway::crypto;

TEST_GROUP(Sha256) {
  std::string path =
      std::filesystem::temp_directory_path() / ("spillway_sha256_" + std::to_string(random_u64()));
  void teardown() override { std::remove(path.c_str()); }
  static std::string hex_of(std::string_view text) { return to_hex(sha256(as_bytes(text))); }
};

TEST(Sha256, agrees_with_the_standard_vectors) {
  STRCMP_EQUAL("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
               hex_of("").c_str());
  STRCMP_EQUAL("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
               hex_of("abc").c_str());
  STRCMP_EQUAL("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
               hex_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").c_str());
  STRCMP_EQUAL("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
               hex_of(std::string(1'000'000, 'a')).c_str());
}

TEST(Sha256, does_not_depend_on_how_the_bytes_are_cut) {
  std::string text(1000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  for (std::size_t cut : {0u, 1u, 63u, 64u, 65u, 999u, 1000u}) {
    crypto::Sha256 hash;
    hash.update(as_bytes(std::string_view(text).substr(0, cut)));
    hash.update({});
    hash.update(as_bytes(std::string_view(text).substr(cut)));
    CHECK(hash.finish() == sha256(as_bytes(text)));
  }
}

TEST(Sha256, of_a_file_gives_its_content_address_and_size) {
  std::string text(200'000, 'x');
  std::ofstream(path, std::ios::binary) << text;
  Result<BlobRef> blob = sha256_file(path);
  CHECK(blob.ok());
  CHECK(blob->sha256 == sha256(as_bytes(text)));
  UNSIGNED_LONGS_EQUAL(200'000, blob->size);
}

TEST(Sha256, of_an_empty_file_is_that_of_no_bytes) {
  std::ofstream(path, std::ios::binary).close();
  Result<BlobRef> blob = sha256_file(path);
  CHECK(blob.ok());
  CHECK(blob->sha256 == sha256({}));
}

TEST(Sha256, of_a_missing_file_is_not_found_and_names_the_path) {
  Result<BlobRef> blob = sha256_file(path);
  CHECK(!blob.ok());
  CHECK(blob.error().code == Code::not_found);
  STRCMP_CONTAINS(path.c_str(), blob.error().message.c_str());
}

TEST(Sha256, refuses_a_directory_and_does_not_hang_on_a_pipe) {
  CHECK(sha256_file("/").error().code == Code::invalid_argument);
  std::filesystem::remove(path);
  CHECK_EQUAL(0, ::system(("mkfifo " + path).c_str()));
  CHECK(sha256_file(path).error().code == Code::invalid_argument);
}

TEST(Sha256, digests_survive_printing_and_parsing) {
  Digest digest = sha256(as_bytes("abc"));
  CHECK(*parse_digest(to_hex(digest)) == digest);
  CHECK(*parse_digest("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD") ==
        digest);
}

TEST(Sha256, refuses_text_that_is_no_digest) {
  std::string good = to_hex(sha256({}));
  for (const std::string& text :
       {std::string(), good.substr(1), good + "0", "g" + good.substr(1), "-1" + good.substr(2),
        " " + good.substr(1), "0x" + good.substr(2), std::string(64, '\0')}) {
    CHECK(parse_digest(text).error().code == Code::invalid_argument);
  }
}

TEST_GROUP(Random){};

TEST(Random, does_not_repeat) {
  std::uint64_t first = random_u64();
  CHECK(first != random_u64());
  CHECK(first != random_u64());
}

TEST(Sha256, hmac_agrees_with_the_standard_vectors) {
  // RFC 4231, cases 2 and 6.
  STRCMP_EQUAL(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))).c_str());
  STRCMP_EQUAL("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
               to_hex(hmac_sha256(Bytes(131, 0xaa), as_bytes("Test Using Larger Than Block-Size "
                                                             "Key - Hash Key First")))
                   .c_str());
}

TEST(Sha256, secrets_are_equal_only_when_all_of_them_is) {
  CHECK(equal_secrets(as_bytes("abc"), as_bytes("abc")));
  CHECK(!equal_secrets(as_bytes("abc"), as_bytes("abd")));
  CHECK(!equal_secrets(as_bytes("abc"), as_bytes("ab")));
  CHECK(random_bytes(33).size() == 33);
  CHECK(random_bytes(33) != random_bytes(33));
}
