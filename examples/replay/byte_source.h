// The bytes of a file or of standard input, read in large pieces.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nerava::examples {

// One thread.
class ByteSource {
 public:
  static constexpr int kEnd = -1;

  // Set by a handler of SIGINT, to which reading gives up even while it waits for input.
  using Interrupted = volatile std::sig_atomic_t;

  // `path` may be "-": standard input. `interrupted` may be null. NotFound with the reason when the
  // input cannot be opened.
  static absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& path,
                                                          const Interrupted* interrupted = nullptr);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // The next byte, left in place; kEnd at the end, or when reading failed or was interrupted: see
  // status().
  int Peek() {
    if (at_ == end_) Fill();
    return at_ == end_ ? kEnd : static_cast<unsigned char>(buffer_[at_]);
  }
  // The same, and moves on.
  int Get() {
    const int byte = Peek();
    if (byte != kEnd) ++at_;
    return byte;
  }
  // The next bytes, at most `count`, fewer only at the end, left in place. Before the first Get().
  std::string_view PeekStart(std::size_t count);

  // Skips the one of UTF-8. Before the first Get().
  void SkipByteOrderMark();

  // Cancelled when the reading was interrupted.
  const absl::Status& status() const { return status_; }
  std::uint64_t bytes_read() const { return passed_ + at_; }
  // How much of the whole was read, 0..1, when its size is known.
  std::optional<double> fraction() const;

 private:
  ByteSource(int fd, std::uint64_t size, const Interrupted* interrupted);
  void Fill();
  // Appends what can be read to the buffer, which has room.
  void ReadMore();
  bool WaitForInput();

  const int fd_;
  const Interrupted* const interrupted_;
  const std::uint64_t size_;  // 0: not known
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::uint64_t passed_ = 0;  // bytes before the buffer
  bool at_end_ = false;
  absl::Status status_;
};

}  // namespace nerava::examples
