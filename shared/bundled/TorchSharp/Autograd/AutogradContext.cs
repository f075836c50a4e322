using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        /// <summary>What one application of a custom function carries from its forward to its backward pass.</summary>
        public class AutogradContext : IDisposable
        {
            private readonly string _name;
            private readonly bool[] _isTensor;
            private readonly Func<AutogradContext, List<Tensor>, List<Tensor>> _backward;
            private readonly Dictionary<string, object> _data = new(StringComparer.Ordinal);
            private List<Tensor> _toSave = [];
            private List<Tensor> _dirty = [];
            private List<Tensor> _constant = [];
            private (long[] Shape, ScalarType Type, Device Device)[] _outputs = [];
            private int _saved;
            private nint _node;

            internal AutogradContext(string name, bool[] isTensor, Func<AutogradContext, List<Tensor>, List<Tensor>> backward) =>
                (_name, _isTensor, _backward) = (name, isTensor, backward);

            /// <summary>Whether gradients of outputs that nothing used reach backward as zeros (the default) or as invalid tensors.</summary>
            public bool MaterializeGrads { get; private set; } = true;

            public void save_for_backward(List<Tensor> tensors) => _toSave = tensors;

            public void save_data(string key, object value) => _data[key] = value;

            public object get_data(string key) => _data.TryGetValue(key, out var value) ? value : null!;

            public void mark_dirty(List<Tensor> tensors) => _dirty = [.. tensors];

            public void mark_non_differentiable(List<Tensor> tensors) => _constant = [.. tensors];

            public void set_materialize_grads(bool value) => MaterializeGrads = value;

            /// <summary>New references to what was saved; null where null was saved. Gone after a backward pass that did not keep the graph.</summary>
            public unsafe List<Tensor> get_saved_variables()
            {
                var handles = new nint[_saved];
                fixed (nint* results = handles)
                    Aten.Check(Native.shim_node_saved(_node, results, handles.Length));
                return [.. handles.Select(handle => handle == 0 ? null! : new Tensor(handle))];
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
            }

            internal unsafe List<Tensor> Wrap(List<Tensor> inputs, List<Tensor> outputs, bool recorded)
            {
                nint node = 0;
                try
                {
                    var (ins, outs, dirty, constant) = (Handles.Of(inputs), Handles.Of(outputs), Handles.Of(_dirty), Handles.Of(_constant));
                    var results = new nint[outs.Length];
                    fixed (nint* i = ins, o = outs, d = dirty, c = constant, r = results)
                    {
                        if (recorded)
                            node = NodeCallbacks.NewNode(this, i, ins.Length);
                        Aten.Check(Native.shim_wrap_outputs(node, i, ins.Length, o, outs.Length, d, dirty.Length, c, constant.Length, r));
                    }
                    if (recorded)
                        Save(node, outputs);
                    GC.KeepAlive((inputs, outputs, _dirty, _constant));
                    return [.. results.Select(handle => new Tensor(handle))];
                }
                finally
                {
                    if (node != 0)
                        Native.shim_node_free(node);
                    (_toSave, _dirty, _constant) = ([], [], []);
                }
            }

            /// <summary>One gradient per tensor argument, from one per output (0: nothing reached it). Called by libtorch.</summary>
            internal List<Tensor?> Apply(ReadOnlySpan<nint> gradients)
            {
                var given = new List<Tensor>(gradients.Length);
                for (var k = 0; k < gradients.Length; k++)
                {
                    var (shape, type, device) = _outputs[k];
                    given.Add(gradients[k] != 0 || !MaterializeGrads ? new Tensor(gradients[k]) : zeros(shape, type, device));
                }
                var made = _backward(this, given);
                if (made.Count < _isTensor.Length || made.Skip(_isTensor.Length).Any(Defined))
                    throw new NotImplementedException($"Function {_name} returned an incorrect number of gradients (expected {_isTensor.Length}), got {made.Count}");
                var kept = new List<Tensor?>();
                for (var k = 0; k < _isTensor.Length; k++)
                {
                    if (_isTensor[k])
                        kept.Add(made[k]);
                    else if (Defined(made[k]))
                        throw new NotImplementedException($"Function {_name} returned a gradient at position {k + 1}, but the corresponding forward input was not a Tensor");
                }
                return kept;
            }

            private static bool Defined(Tensor? tensor) => tensor is { IsInvalid: false };

            private unsafe void Save(nint node, List<Tensor> outputs)
            {
                _node = Native.shim_node_raw(node);
                _outputs = [.. outputs.Select(output => (output.shape, output.dtype, output.device))];
                var handles = Handles.Of(_toSave);
                _saved = handles.Length;
                fixed (nint* tensors = handles)
                    Aten.Check(Native.shim_node_save(node, tensors, handles.Length));
                GC.KeepAlive(_toSave);
            }
        }
    }
}
