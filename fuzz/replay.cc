// Runs a fuzz target on the files given and on every prefix and single-byte change of the small ones: what a build
// without libFuzzer can do to keep past findings fixed.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  constexpr size_t kSmall = 600;
  LLVMFuzzerTestOneInput(nullptr, 0);
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<uint8_t> input(bytes.begin(), bytes.end());
    LLVMFuzzerTestOneInput(input.data(), input.size());
    if (input.size() > kSmall) continue;
    for (size_t length = 0; length < input.size(); ++length) LLVMFuzzerTestOneInput(input.data(), length);
    for (uint8_t& byte : input) {
      const uint8_t original = byte;
      for (const int flip : {0x01, 0x80, 0xff}) {
        byte = static_cast<uint8_t>(original ^ flip);
        LLVMFuzzerTestOneInput(input.data(), input.size());
      }
      byte = original;
    }
  }
  std::printf("%d files replayed\n", argc - 1);
}
