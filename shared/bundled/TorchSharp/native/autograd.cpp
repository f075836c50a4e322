// Gradients: modes, backward, and graph nodes whose backward is managed code.
#include "shim.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/saved_variable.h>
#include <torch/csrc/autograd/variable.h>

#include <mutex>
#include <unordered_set>
#include <vector>

using namespace shim;
using torch::autograd::variable_list;

namespace {

variable_list borrow_all(const Handle* handles, int64_t count) {
  variable_list list;
  list.reserve(count);
  for (int64_t k = 0; k < count; k++) list.push_back(borrow(handles[k]));
  return list;
}

// gradients: in, owned by the callee; results: out, owned by the caller. Nonzero: it failed and message says why.
using ApplyCallback = int (*)(void* context, Handle* gradients, int64_t count, Handle* results, int64_t capacity, char* message, int64_t length);
using ReleaseCallback = void (*)(void* context);

struct ManagedNode : torch::autograd::Node {
  ManagedNode(ApplyCallback apply, ReleaseCallback release, void* context) : apply_(apply), release_(release), context_(context) {}
  ~ManagedNode() override { release_(context_); }

  variable_list apply(variable_list&& inputs) override {
    std::vector<Handle> gradients;
    for (auto& input : inputs) gradients.push_back(own(input));
    std::vector<Handle> results(num_outputs(), nullptr);
    char message[4096] = "";
    int failed = apply_(context_, gradients.data(), static_cast<int64_t>(gradients.size()), results.data(), static_cast<int64_t>(results.size()), message, sizeof(message));
    variable_list list;
    for (auto handle : results)
      list.push_back(handle ? at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(handle)) : at::Tensor());
    TORCH_CHECK(!failed, message);
    return list;
  }

  // The engine calls this when the graph is not kept: what the forward pass saved is freed at once.
  void release_variables() override {
    std::lock_guard<std::mutex> lock(mutex_);
    saved_.clear();
    released_ = true;
  }

  void save(const variable_list& variables) {
    std::lock_guard<std::mutex> lock(mutex_);
    saved_.clear();
    for (auto& v : variables)
      saved_.emplace_back(v, v.defined() && v.grad_fn().get() == this);
  }

  variable_list saved() {
    std::lock_guard<std::mutex> lock(mutex_);
    TORCH_CHECK(!released_, "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
                            "Specify retain_graph=True if you need to backward through the graph a second time.");
    variable_list list;
    auto self = shared_from_this();
    for (auto& v : saved_) list.push_back(v.unpack(self));
    return list;
  }

 private:
  ApplyCallback apply_;
  ReleaseCallback release_;
  void* context_;
  std::mutex mutex_;
  std::vector<torch::autograd::SavedVariable> saved_;
  bool released_ = false;
};

ManagedNode& node_of(void* node) { return **static_cast<std::shared_ptr<ManagedNode>*>(node); }

std::unordered_set<c10::TensorImpl*> set_of(const Handle* handles, int64_t count) {
  return std::unordered_set<c10::TensorImpl*>(handles, handles + count);
}

}  // namespace

SHIM_API int64_t shim_grad_enabled() { return c10::GradMode::is_enabled(); }
SHIM_API void shim_set_grad_enabled(int64_t enabled) { c10::GradMode::set_enabled(enabled != 0); }
SHIM_API int64_t shim_inference_mode() { return c10::InferenceMode::is_enabled(); }
SHIM_API void* shim_inference_mode_enter(int64_t enabled) { return new c10::InferenceMode(enabled != 0); }
SHIM_API void shim_inference_mode_leave(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }
SHIM_API int64_t shim_anomaly_enabled() { return torch::autograd::AnomalyMode::is_enabled(); }
SHIM_API int64_t shim_anomaly_check_nan() { return torch::autograd::AnomalyMode::should_check_nan(); }
SHIM_API void shim_set_anomaly(int64_t enabled, int64_t check_nan) { torch::autograd::AnomalyMode::set_enabled(enabled != 0, check_nan != 0); }

SHIM_API int64_t shim_requires_grad(Handle t) { return borrow(t).requires_grad(); }
SHIM_API int64_t shim_is_leaf(Handle t) { return borrow(t).is_leaf(); }
SHIM_API int shim_set_requires_grad(Handle t, int64_t value) {
  return guarded([&] { borrow(t).set_requires_grad(value != 0); });
}
SHIM_API int shim_retain_grad(Handle t) {
  return guarded([&] { borrow(t).retain_grad(); });
}
SHIM_API int shim_grad(Handle t, Handle* grad) {
  return guarded([&] { *grad = own(borrow(t).grad()); });
}
SHIM_API int shim_set_grad(Handle t, Handle grad) {
  return guarded([&] { borrow(t).mutable_grad() = borrow(grad); });
}

SHIM_API int shim_backward(const Handle* tensors, int64_t count, const Handle* gradients, int64_t gradient_count, int64_t retain_graph, int64_t create_graph,
                           const Handle* inputs, int64_t input_count) {
  return guarded([&] {
    torch::autograd::backward(borrow_all(tensors, count), borrow_all(gradients, gradient_count), retain_graph != 0, create_graph != 0, borrow_all(inputs, input_count));
  });
}

SHIM_API int shim_gradients(const Handle* outputs, int64_t output_count, const Handle* inputs, int64_t input_count, const Handle* gradients, int64_t gradient_count,
                            int64_t retain_graph, int64_t create_graph, int64_t allow_unused, Handle* results) {
  return guarded([&] {
    auto list = torch::autograd::grad(borrow_all(outputs, output_count), borrow_all(inputs, input_count), borrow_all(gradients, gradient_count),
                                      retain_graph != 0, create_graph != 0, allow_unused != 0);
    for (size_t k = 0; k < list.size(); k++) results[k] = own(list[k]);
  });
}

// A node with an edge to each input; release(context) runs when the last reference to it is gone, on any thread.
SHIM_API int shim_node_new(ApplyCallback apply, ReleaseCallback release, void* context, const Handle* inputs, int64_t count, void** node) {
  return guarded([&] {
    auto shared = std::shared_ptr<ManagedNode>(new ManagedNode(apply, release, context), torch::autograd::deleteNode);
    shared->set_next_edges(torch::autograd::collect_next_edges(borrow_all(inputs, count)));
    shared->clear_input_metadata();
    *node = new std::shared_ptr<ManagedNode>(std::move(shared));
  });
}

SHIM_API void shim_node_free(void* node) { delete static_cast<std::shared_ptr<ManagedNode>*>(node); }

// The raw node, which lives as long as its graph: what a context keeps without keeping the graph alive.
SHIM_API void* shim_node_raw(void* node) { return &node_of(node); }

// Makes outputs the results of node (null: none of them requires a gradient).
SHIM_API int shim_wrap_outputs(void* node, const Handle* inputs, int64_t input_count, const Handle* outputs, int64_t output_count,
                               const Handle* dirty, int64_t dirty_count, const Handle* constant, int64_t constant_count, Handle* results) {
  return guarded([&] {
    for (int64_t k = 0; k < dirty_count; k++) dirty[k]->bump_version();
    auto outs = borrow_all(outputs, output_count);
    std::vector<c10::optional<at::Tensor>> optional(outs.begin(), outs.end());
    auto jvp = [](const variable_list&, const variable_list&) -> variable_list { TORCH_CHECK(false, "forward-mode differentiation is not supported by custom functions"); };
    auto wrapped = torch::autograd::_wrap_outputs(borrow_all(inputs, input_count), set_of(constant, constant_count), set_of(dirty, dirty_count), optional,
                                                  node ? *static_cast<std::shared_ptr<ManagedNode>*>(node) : std::shared_ptr<ManagedNode>(), jvp);
    for (size_t k = 0; k < wrapped.size(); k++) results[k] = wrapped[k].has_value() ? own(*wrapped[k]) : nullptr;
  });
}

SHIM_API int shim_node_save(void* node, const Handle* tensors, int64_t count) {
  return guarded([&] { node_of(node).save(borrow_all(tensors, count)); });
}

SHIM_API int shim_node_saved(void* raw, Handle* results, int64_t count) {
  return guarded([&] {
    auto list = static_cast<ManagedNode*>(raw)->saved();
    TORCH_CHECK(list.size() == static_cast<size_t>(count), "saved tensors: ", list.size(), " != ", count);
    for (size_t k = 0; k < list.size(); k++) results[k] = own(list[k]);
  });
}
