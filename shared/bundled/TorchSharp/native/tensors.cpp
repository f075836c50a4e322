// What a tensor is (shape, type, place, memory), and its life.
#include "shim.h"

#include <ATen/Functions.h>

using namespace shim;

SHIM_API void shim_tensor_free(Handle tensor) {
  c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(tensor);
}

SHIM_API int64_t shim_tensor_dtype(Handle t) { return static_cast<int64_t>(c10::typeMetaToScalarType(t->dtype())); }

SHIM_API int64_t shim_tensor_dim(Handle t) { return t->dim(); }

SHIM_API int64_t shim_tensor_numel(Handle t) { return t->numel(); }

SHIM_API int64_t shim_tensor_element_size(Handle t) { return static_cast<int64_t>(t->itemsize()); }

SHIM_API int64_t shim_tensor_is_contiguous(Handle t) { return t->is_contiguous(); }

SHIM_API int64_t shim_tensor_storage_offset(Handle t) { return t->storage_offset(); }

// Device type in the low 32 bits, index in the high ones.
SHIM_API int64_t shim_tensor_device(Handle t) {
  auto device = t->device();
  return static_cast<int64_t>(static_cast<uint64_t>(static_cast<int64_t>(device.index())) << 32 | static_cast<uint8_t>(device.type()));
}

SHIM_API void shim_tensor_sizes(Handle t, int64_t* sizes) {
  auto s = t->sizes();
  std::copy(s.begin(), s.end(), sizes);
}

SHIM_API void shim_tensor_strides(Handle t, int64_t* strides) {
  auto s = t->strides();
  std::copy(s.begin(), s.end(), strides);
}

SHIM_API int shim_tensor_data(Handle t, void** data) {
  return guarded([&] { *data = borrow(t).data_ptr(); });
}

SHIM_API int shim_storage_data(Handle t, void** data, int64_t* bytes) {
  return guarded([&] {
    auto storage = borrow(t).storage();
    *data = storage.data();
    *bytes = static_cast<int64_t>(storage.nbytes());
  });
}

SHIM_API Handle shim_tensor_alias(Handle t) { return own(borrow(t)); }

// A CPU tensor over memory of the caller's; release(context) runs when libtorch lets go of it.
SHIM_API int shim_tensor_wrap(void* data, const int64_t* sizes, int64_t dim, int64_t dtype, void (*release)(void*), void* context, Handle* result) {
  return guarded([&] {
    *result = own(at::from_blob(data, c10::IntArrayRef(sizes, dim), [release, context](void*) { release(context); },
                                at::TensorOptions(static_cast<c10::ScalarType>(dtype))));
  });
}
