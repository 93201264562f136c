// External data, opened one path component at a time with O_NOFOLLOW, so that neither ".." nor a link leads out of
// the model's folder, not even one that is swapped in while we look.
#include "formats/onnx/external_data.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace axiom::onnx {
namespace {

constexpr size_t kMaxFiles = 256;

std::optional<std::vector<std::string>> components(const std::string& location) {
  std::vector<std::string> parts;
  if (location.size() > 4096 || location.find('\0') != std::string::npos) return std::nullopt;
  for (size_t begin = 0; begin <= location.size();) {
    const size_t end = std::min(location.find('/', begin), location.size());
    parts.push_back(location.substr(begin, end - begin));
    if (parts.back().empty() || parts.back() == "..") return std::nullopt;  // Also an absolute path.
    begin = end + 1;
  }
  return parts;
}

Result<uint64_t> number(const std::string& text, const char* key) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return invalid_input(std::string("its external data has a bad ") + key);
  }
  return value;
}

struct Range {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

Result<Range> range_of(const TensorProto& tensor) {
  Range range;
  for (const StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") range.location = entry.value();
    if (entry.key() != "offset" && entry.key() != "length") continue;
    const auto value = number(entry.value(), entry.key() == "offset" ? "offset" : "length");
    if (!value) return value.error();
    if (entry.key() == "offset") {
      range.offset = *value;
    } else {
      range.length = *value;
    }
  }
  return range;
}

}  // namespace

Result<int> ExternalData::open(const std::string& location) {
  if (const auto known = files_.find(location); known != files_.end()) return known->second.get();
  if (folder_.empty()) return invalid_input("it has external data, but the model was not read from a file");
  if (files_.size() >= kMaxFiles) return invalid_input("the external data lies in more than 256 files");
  const auto parts = components(location);
  if (!parts) return invalid_input("its external data must have a location beneath the model's folder, without '..'");
  const auto refused = [&](const char* why) {
    return invalid_input("its external data '" + location + "' " + why + " (no links, a regular file)");
  };
  FileDescriptor at(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (size_t i = 0; i < parts->size() && at.get() >= 0; ++i) {
    const int kind = i + 1 < parts->size() ? O_DIRECTORY : O_NONBLOCK;  // A pipe must not make us wait.
    at = FileDescriptor(::openat(at.get(), (*parts)[i].c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind));
  }
  if (at.get() < 0) return refused(("cannot be opened: " + errno_message(errno)).c_str());
  struct stat about = {};
  if (::fstat(at.get(), &about) != 0 || !S_ISREG(about.st_mode)) return refused("is no regular file");
  if (about.st_nlink != 1) return refused("has several names");
  const int file = at.get();
  files_.emplace(location, std::move(at));
  return file;
}

Result<std::string> ExternalData::read(const TensorProto& tensor, uint64_t size) {
  const auto range = range_of(tensor);
  if (!range) return range.error();
  const auto file = open(range->location);
  if (!file) return file.error();
  struct stat about = {};
  if (::fstat(*file, &about) != 0) return io_error("its external data cannot be read: " + errno_message(errno));
  const auto end = static_cast<uint64_t>(about.st_size);
  if (range->offset > end || range->length.value_or(size) != size || size > end - range->offset) {
    return invalid_input("its external data must be " + std::to_string(size) + " bytes inside '" + range->location +
                         "' (" + std::to_string(end) + " bytes)");
  }
  bytes_read_ += size;
  if (bytes_read_ > kMaxFileBytes) return resource_error("the external data is larger than 2 GiB");
  std::string bytes(size, '\0');
  for (size_t done = 0; done < size;) {
    const ssize_t got = ::pread(*file, bytes.data() + done, size - done, static_cast<off_t>(range->offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return io_error("its external data cannot be read: " + errno_message(got < 0 ? errno : EIO));
    done += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace axiom::onnx
