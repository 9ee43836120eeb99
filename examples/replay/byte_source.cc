#include "examples/replay/byte_source.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace nerava::examples {
namespace {

constexpr std::size_t kBufferBytes = 1 << 18;

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> ByteSource::Open(const std::string& path,
                                                             const Interrupted* interrupted) {
  const int fd = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (fd < 0 || fstat(fd, &info) != 0) {
    return absl::NotFoundError(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  const bool size_known = S_ISREG(info.st_mode);
  return std::unique_ptr<ByteSource>(
      new ByteSource(fd, size_known ? static_cast<std::uint64_t>(info.st_size) : 0, interrupted));
}

ByteSource::ByteSource(int fd, std::uint64_t size, const Interrupted* interrupted)
    : fd_(fd), interrupted_(interrupted), size_(size), buffer_(kBufferBytes) {}

ByteSource::~ByteSource() {
  if (fd_ != STDIN_FILENO) close(fd_);
}

void ByteSource::Fill() {
  passed_ += at_;
  at_ = end_ = 0;
  ReadMore();
}

void ByteSource::ReadMore() {
  if (at_end_) return;
  at_end_ = true;
  if (!WaitForInput()) {
    status_ = absl::CancelledError("interrupted");
    return;
  }
  const ssize_t count = read(fd_, buffer_.data() + end_, buffer_.size() - end_);
  if (count < 0) {
    status_ = absl::UnavailableError(fmt::format("cannot read on: {}", std::strerror(errno)));
  } else if (count > 0) {
    end_ += static_cast<std::size_t>(count);
    at_end_ = false;
  }
}

// False when interrupted. The signal is held back between the look at the flag and the waiting, so
// that it cannot come unnoticed in between.
bool ByteSource::WaitForInput() {
  if (interrupted_ == nullptr) return true;
  sigset_t held;
  sigset_t before;
  sigemptyset(&held);
  sigaddset(&held, SIGINT);
  pthread_sigmask(SIG_BLOCK, &held, &before);
  pollfd input{fd_, POLLIN, 0};
  bool ready = false;
  while (*interrupted_ == 0 && !ready) {
    ready =
        ppoll(&input, 1, nullptr, &before) >= 0 || errno != EINTR;  // read() tells what is wrong
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return ready;
}

std::string_view ByteSource::PeekStart(std::size_t count) {
  while (end_ < count && !at_end_) ReadMore();
  return std::string_view(buffer_.data(), std::min(count, end_));
}

void ByteSource::SkipByteOrderMark() {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (PeekStart(kByteOrderMark.size()) == kByteOrderMark) at_ += kByteOrderMark.size();
}

std::optional<double> ByteSource::fraction() const {
  if (size_ == 0) return std::nullopt;
  return static_cast<double>(bytes_read()) / static_cast<double>(size_);
}

}  // namespace nerava::examples
