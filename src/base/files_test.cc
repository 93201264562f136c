#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

namespace axiom {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("axiom_files_" + std::to_string(getpid()));
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string put(const std::string& name, const std::string& bytes) {
    const fs::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  size_t entries() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  fs::path folder_;
};

std::string gzip(const std::string& bytes) {
  z_stream zlib = {};
  EXPECT_EQ(deflateInit2(&zlib, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&zlib, bytes.size()) + 64, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  zlib.avail_in = static_cast<uInt>(bytes.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&zlib, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - zlib.avail_out);
  deflateEnd(&zlib);
  return out;
}

std::string sample(size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * i % 251);
  return bytes;
}

TEST_F(Files, AreReadPlainAndCompressedAlike) {
  for (size_t size : {0u, 1u, 2u, 1000u, 262143u, 262144u, 262145u, 1000000u}) {
    const std::string bytes = sample(size);
    EXPECT_EQ(*read_file(put("plain", bytes)), bytes);
    EXPECT_EQ(*read_file(put("packed", gzip(bytes))), bytes);
  }
}

TEST_F(Files, AreHashedWhileRead) {
  const std::string bytes = sample(600000);
  auto reader = FileReader::open(put("packed.gz", gzip(bytes)));
  ASSERT_TRUE(reader);
  while (!reader->next()->empty()) {
  }
  EXPECT_EQ(reader->digest().hex(), sha256_hex(bytes));
  EXPECT_EQ(reader->bytes_read(), bytes.size());
}

TEST_F(Files, MayHoldSeveralGzipMembers) {
  EXPECT_EQ(*read_file(put("two.gz", gzip("first ") + gzip("") + gzip("second"))), "first second");
}

TEST_F(Files, AreRefusedWhenTheGzipStreamIsDamagedOrCut) {
  const std::string packed = gzip(sample(300));
  for (size_t length = 2; length < packed.size(); ++length) {
    EXPECT_FALSE(read_file(put("cut.gz", packed.substr(0, length)))) << length;
  }
  std::string wrong_sum = packed;
  wrong_sum[packed.size() - 6] ^= 1;
  const auto result = read_file(put("wrong.gz", wrong_sum));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalidInput);
  EXPECT_FALSE(read_file(put("tail.gz", packed + "garbage")));
}

TEST_F(Files, AreRefusedBeyondTheCapAlsoWhenCompressionHidesTheSize) {
  const std::string path = put("bomb.gz", gzip(std::string(10'000'000, '\0')));
  const auto result = read_file(path, 9'999'999);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kResource);
  EXPECT_TRUE(read_file(path, 10'000'000));
}

TEST_F(Files, ThatAreMissingOrFoldersAreNamedInTheError) {
  const auto missing = read_file(path("missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kIo);
  EXPECT_EQ(missing.error().message, path("missing") + ": cannot open: No such file or directory");
  EXPECT_FALSE(read_file(folder_.string()));
}

TEST_F(Files, AreReplacedCompletelyAndLeaveNothingBeside) {
  const std::string target = put("target", "old");
  ASSERT_TRUE(write_file(target, "new"));
  EXPECT_EQ(*read_file(target), "new");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, KeepTheOldBytesUntilCommitAndWithoutIt) {
  const std::string target = put("target", "old");
  {
    auto file = AtomicFile::create(target);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("half of the new"));
    EXPECT_EQ(*read_file(target), "old");
  }
  EXPECT_EQ(*read_file(target), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, KeepTheirModeAndTheLinkThatNamesThem) {
  const std::string target = put("target", "old");
  ASSERT_EQ(chmod(target.c_str(), 0640), 0);
  fs::create_symlink("target", folder_ / "link");
  ASSERT_TRUE(write_file(path("link"), "new"));
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(*read_file(target), "new");
  EXPECT_EQ(fs::status(target).permissions(), fs::perms(0640));
}

TEST_F(Files, ThatAreNoRegularFilesAreWrittenToDirectly) {
  EXPECT_TRUE(write_file("/dev/null", "gone"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  const auto full = write_file("/dev/full", "no room");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().message, "/dev/full: cannot write: No space left on device");
}

TEST_F(Files, CannotBeCreatedInAMissingFolder) {
  const auto result = write_file(path("no/such/file"), "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kIo);
}

}  // namespace
}  // namespace axiom
