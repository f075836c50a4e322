using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>What a loss does with its terms.</summary>
        public enum Reduction : long
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        public static partial class functional
        {
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => Aten.Call("linear", input, weights, bias);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1E-05) =>
                Aten.Call("layer_norm", input, normalized_shape, weight, bias, eps);

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);

            public static Tensor gelu(Tensor x) => x.gelu();

            public static Tensor gelu(Tensor x, bool inplace) => inplace ? x.gelu_().alias() : x.gelu();

            public static Tensor gelu(Tensor x, Modules.GELU.Approximate approximate, bool inplace = false) => inplace ? x.gelu_(approximate).alias() : x.gelu(approximate);

            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? x.silu_().alias() : x.silu();

            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_().alias() : x.relu();

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                inplace ? Aten.InPlace("dropout_", input, p, training).alias() : Aten.Call("dropout", input, p, training);

            public static Tensor one_hot(Tensor x, long num_classes = -1) => Aten.Call("one_hot", x, num_classes);

            public static Tensor conv2d(
                Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1) =>
                Aten.Call("conv2d", input, weight, bias, strides ?? [1, 1], padding ?? [0, 0], dilation ?? [1, 1], groups);

            public static Tensor normalize(Tensor input, double p = 2, long dim = 1, double eps = 1E-12)
            {
                using var scope = NewDisposeScope();
                var length = Aten.Call("norm.ScalarOpt_dim", input, (Scalar)p, new long[] { dim }, true).clamp_min(eps);
                return input.div(length).MoveToOuterDisposeScope();
            }

            /// <summary>
            /// softmax(q k^T / sqrt(d) + mask) v over the last two dimensions [..., L, d]; a boolean mask is true where attention is
            /// allowed; is_casual masks positions after the query's own.
            /// </summary>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, double p = 0, bool is_casual = false)
            {
                if (is_casual && attn_mask is not null)
                    throw new System.Runtime.InteropServices.ExternalException("scaled_dot_product_attention: explicit attn_mask should not be set when is_causal=True");
                using var scope = NewDisposeScope();
                var scores = query.mul(1 / Math.Sqrt(query.size(-1))).matmul(key.transpose(-2, -1));
                var mask = is_casual ? ones([query.size(-2), key.size(-2)], ScalarType.Bool, query.device).tril() : attn_mask;
                if (mask is not null)
                    scores = mask.dtype == ScalarType.Bool ? scores.masked_fill(mask.logical_not(), double.NegativeInfinity) : scores.add(mask);
                var weights = scores.softmax(-1);
                if (p > 0)
                    weights = dropout(weights, p);
                return weights.matmul(value).MoveToOuterDisposeScope();
            }
        }
    }
}
