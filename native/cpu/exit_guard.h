#pragma once

#include <functional>

namespace tensorrt_node {

/// A stay inside an engine's library that the end of the process has to wait for: exit() destroys
/// that library's static objects under the threads that still use them.
///
/// When exit() begins, the stays are cancelled and waited for, and no further one begins.
class EngineStay {
 public:
  /// `cancel` makes the work return soon, from another thread; it must not throw, nor end the stay
  /// itself.
  explicit EngineStay(std::function<void()> cancel = {});
  ~EngineStay();
  EngineStay(const EngineStay&) = delete;
  EngineStay& operator=(const EngineStay&) = delete;

  /// False when the process is ending: keep out of the library, leak what would need it.
  [[nodiscard]] explicit operator bool() const noexcept { return entered_; }

  /// Registers the wait with exit(). Handlers run last-in first-out, so call it whenever the
  /// library may have made further static objects.
  static void Arm() noexcept;

 private:
  std::function<void()> cancel_;
  bool entered_ = false;
};

}  // namespace tensorrt_node
