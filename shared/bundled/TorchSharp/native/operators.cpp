// Calls any libtorch operator by its schema name through the dispatcher: one entry instead of one per operator. The dispatcher
// checks and converts the arguments, records autograd and selects the backend, exactly as for C++ or Python callers.
#include "shim.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>
#include <ATen/core/Generator.h>

#include <cstdlib>
#include <vector>

using namespace shim;

namespace {

const c10::OperatorHandle& handle_of(void* op) { return *static_cast<const c10::OperatorHandle*>(op); }

c10::IValue to_ivalue(const Value& v) {
  switch (v.kind) {
    case kNone: return {};
    case kTensor: return borrow(static_cast<Handle>(v.p));
    case kInt: return v.i;
    case kDouble: return v.d;
    case kBool: return v.i != 0;
    case kComplex: return c10::complex<double>(v.d, v.imaginary);
    case kIntList: return c10::IntArrayRef(static_cast<const int64_t*>(v.p), v.n);
    case kDoubleList: return c10::ArrayRef<double>(static_cast<const double*>(v.p), v.n);
    case kString: return std::string(static_cast<const char*>(v.p), v.n);
    case kDevice: return c10::Device(static_cast<c10::DeviceType>(v.i), static_cast<c10::DeviceIndex>(v.n));
    case kGenerator: return *static_cast<at::Generator*>(v.p);
    case kTensorList: {
      c10::List<at::Tensor> list;
      list.reserve(v.n);
      for (int64_t k = 0; k < v.n; k++) list.push_back(borrow(static_cast<Handle*>(v.p)[k]));
      return list;
    }
    case kOptionalTensorList: {
      c10::List<c10::optional<at::Tensor>> list;
      list.reserve(v.n);
      for (int64_t k = 0; k < v.n; k++) {
        auto tensor = borrow(static_cast<Handle*>(v.p)[k]);
        list.push_back(tensor.defined() ? c10::optional<at::Tensor>(tensor) : c10::nullopt);
      }
      return list;
    }
  }
  TORCH_CHECK(false, "unknown kind of argument: ", v.kind);
}

Value to_value(c10::IValue&& iv) {
  Value v{};
  if (iv.isTensor()) {
    v.kind = kTensor;
    v.p = own(std::move(iv).toTensor());
  } else if (iv.isTensorList()) {
    auto list = std::move(iv).toTensorVector();
    auto handles = static_cast<Handle*>(std::malloc(sizeof(Handle) * (list.size() + 1)));
    for (size_t k = 0; k < list.size(); k++) handles[k] = own(std::move(list[k]));
    v.kind = kTensorList;
    v.p = handles;
    v.n = static_cast<int64_t>(list.size());
  } else if (iv.isBool()) {
    v.kind = kBool;
    v.i = iv.toBool();
  } else if (iv.isInt()) {
    v.kind = kInt;
    v.i = iv.toInt();
  } else if (iv.isDouble()) {
    v.kind = kDouble;
    v.d = iv.toDouble();
  } else if (iv.isComplexDouble()) {
    auto c = iv.toComplexDouble();
    v.kind = kComplex;
    v.d = c.real();
    v.imaginary = c.imag();
  } else {
    TORCH_CHECK(iv.isNone(), "a result of type ", iv.tagKind(), " is not supported");
  }
  return v;
}

}  // namespace

// The operator "aten::NAME", overload as in native_functions.yaml ("" for none).
SHIM_API int shim_find_operator(const char* name, const char* overload, void** op) {
  return guarded([&] {
    *op = new c10::OperatorHandle(c10::Dispatcher::singleton().findSchemaOrThrow(name, overload));
  });
}

// Arguments that are not given take the schema's defaults. With results == null they are dropped (in-place operators).
SHIM_API int shim_call(void* op, const Value* args, int64_t count, Value* results, int64_t capacity, int64_t* produced) {
  return guarded([&] {
    auto& handle = handle_of(op);
    auto& formals = handle.schema().arguments();
    TORCH_CHECK(static_cast<size_t>(count) <= formals.size(), handle.schema().name(), " takes ", formals.size(), " arguments, got ", count);
    torch::jit::Stack stack;
    stack.reserve(formals.size());
    for (int64_t k = 0; k < count; k++) stack.push_back(to_ivalue(args[k]));
    for (size_t k = count; k < formals.size(); k++) {
      TORCH_CHECK(formals[k].default_value().has_value(), handle.schema().name(), " misses its argument ", formals[k].name());
      stack.push_back(*formals[k].default_value());
    }
    handle.callBoxed(stack);
    if (!results) return;
    TORCH_CHECK(stack.size() <= static_cast<size_t>(capacity), handle.schema().name(), " returned ", stack.size(), " values");
    for (size_t k = 0; k < stack.size(); k++) results[k] = to_value(std::move(stack[k]));
    *produced = static_cast<int64_t>(stack.size());
  });
}

SHIM_API void shim_free(void* p) { std::free(p); }
