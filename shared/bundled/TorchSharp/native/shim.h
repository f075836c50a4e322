// The C interface between the C# TorchSharp subset and libtorch. No exception crosses it: an entry that fails returns 1 and
// leaves its message in shim_error(); a tensor handle owns one reference to a TensorImpl.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <cstdint>
#include <exception>
#include <string>

#define SHIM_API extern "C" __attribute__((visibility("default")))

namespace shim {

using Handle = c10::TensorImpl*;

// What a Value holds; the same numbers stand in Interop/Value.cs.
enum Kind : int64_t {
  kNone, kTensor, kInt, kDouble, kBool, kComplex, kIntList, kTensorList, kOptionalTensorList, kString, kDevice, kGenerator, kDoubleList
};

// One argument or result of an operator; 32 bytes, laid out as in Interop/Value.cs.
struct Value {
  int64_t kind;
  union { int64_t i; double d; void* p; };
  union { int64_t n; double imaginary; };
  int64_t unused;
};

void set_error(const char* message);

// Runs body; 0 when it returned, 1 with the message kept when it threw.
template <class Body>
int guarded(Body&& body) noexcept {
  try {
    body();
    return 0;
  } catch (const c10::Error& e) {
    set_error(e.what_without_backtrace());
  } catch (const std::exception& e) {
    set_error(e.what());
  } catch (...) {
    set_error("unknown C++ exception");
  }
  return 1;
}

// A tensor that shares what a handle owns; an undefined tensor for null.
inline at::Tensor borrow(Handle handle) {
  return handle ? at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(handle)) : at::Tensor();
}

// A new handle, or null for an undefined tensor.
inline Handle own(at::Tensor tensor) {
  return tensor.defined() ? tensor.unsafeReleaseTensorImpl() : nullptr;
}

}  // namespace shim
