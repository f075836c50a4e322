// Threads, random numbers, devices, versions.
#include "shim.h"

#include <ATen/Context.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/Generator.h>
#include <torch/version.h>

#include <dlfcn.h>
#include <mutex>

using namespace shim;

namespace shim {

namespace {
thread_local std::string last_error;
}

void set_error(const char* message) { last_error = message; }

}  // namespace shim

SHIM_API const char* shim_error() { return last_error.c_str(); }

SHIM_API const char* shim_version() { return TORCH_VERSION; }

SHIM_API int64_t shim_get_num_threads() { return at::get_num_threads(); }

// OpenBLAS keeps a count of its own, which libtorch does not steer.
SHIM_API int shim_set_num_threads(int64_t count) {
  return guarded([&] {
    at::set_num_threads(static_cast<int>(count));
    if (auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(static_cast<int>(count));
  });
}

SHIM_API int64_t shim_get_num_interop_threads() { return at::get_num_interop_threads(); }
SHIM_API int shim_set_num_interop_threads(int64_t count) {
  return guarded([&] { at::set_num_interop_threads(static_cast<int>(count)); });
}

SHIM_API int64_t shim_cuda_available() {
  int64_t available = 0;
  guarded([&] { available = at::hasCUDA(); });
  return available;
}
SHIM_API int64_t shim_cudnn_available() {
  int64_t available = 0;
  guarded([&] { available = at::hasCUDA() && at::detail::getCUDAHooks().hasCuDNN(); });
  return available;
}
SHIM_API int64_t shim_cuda_device_count() {
  int64_t count = 0;
  guarded([&] { count = at::hasCUDA() ? static_cast<int64_t>(at::detail::getCUDAHooks().getNumGPUs()) : 0; });
  return count;
}
SHIM_API int shim_cuda_synchronize(int64_t index) {
  return guarded([&] {
    TORCH_CHECK(at::hasCUDA(), "this libtorch has no CUDA, or there is no CUDA device");
    at::detail::getCUDAHooks().deviceSynchronize(static_cast<int64_t>(index < 0 ? at::detail::getCUDAHooks().current_device() : index));
  });
}

SHIM_API int shim_manual_seed(int64_t seed) {
  return guarded([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

SHIM_API int shim_generator_new(int64_t seed, int64_t device_type, int64_t device_index, void** generator) {
  return guarded([&] {
    auto type = static_cast<c10::DeviceType>(device_type);
    auto made = type == c10::DeviceType::CPU ? at::detail::createCPUGenerator()
                                              : at::globalContext().defaultGenerator(c10::Device(type, static_cast<c10::DeviceIndex>(device_index))).clone();
    {
      std::lock_guard<std::mutex> lock(made.mutex());
      made.set_current_seed(static_cast<uint64_t>(seed));
    }
    *generator = new at::Generator(std::move(made));
  });
}

SHIM_API void* shim_generator_default() { return new at::Generator(at::detail::getDefaultCPUGenerator()); }

SHIM_API void shim_generator_free(void* generator) { delete static_cast<at::Generator*>(generator); }

SHIM_API int shim_generator_seed(void* generator, int64_t seed) {
  return guarded([&] {
    auto& g = *static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_current_seed(static_cast<uint64_t>(seed));
  });
}

SHIM_API int64_t shim_generator_initial_seed(void* generator) {
  auto& g = *static_cast<at::Generator*>(generator);
  std::lock_guard<std::mutex> lock(g.mutex());
  return static_cast<int64_t>(g.current_seed());
}

SHIM_API int shim_generator_get_state(void* generator, Handle* state) {
  return guarded([&] {
    auto& g = *static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(g.mutex());
    *state = own(g.get_state());
  });
}

SHIM_API int shim_generator_set_state(void* generator, Handle state) {
  return guarded([&] {
    auto& g = *static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(borrow(state));
  });
}
