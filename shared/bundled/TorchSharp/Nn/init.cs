namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Fills tensors with starting values, in place.</summary>
        public static class init
        {
            public enum NonlinearityType
            {
                Linear = 0,
                Conv1D = 1,
                Conv2D = 2,
                Conv3D = 3,
                ConvTranspose1D = 4,
                ConvTranspose2D = 5,
                ConvTranspose3D = 6,
                Sigmoid = 7,
                Tanh = 8,
                ReLU = 9,
                LeakyReLU = 10,
            }

            public enum FanInOut
            {
                FanIn = 0,
                FanOut = 1,
            }

            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Generator? generator = null) => Constant(() => tensor.normal_(mean, std, generator));

            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Generator? generator = null) => Constant(() => tensor.uniform_(low, high, generator));

            public static Tensor zeros_(Tensor tensor) => Constant(tensor.zero_);

            public static Tensor constant_(Tensor tensor, Scalar val) => Constant(() => tensor.fill_(val));

            /// <summary>Uniform in [-b, b], b = gain * sqrt(3 / fan) (He et al. 2015).</summary>
            public static Tensor kaiming_uniform_(
                Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU)
            {
                var (fanIn, fanOut) = Fans(tensor);
                var bound = Gain(nonlinearity, a) * Math.Sqrt(3.0 / (mode == FanInOut.FanIn ? fanIn : fanOut));
                return Constant(() => tensor.uniform_(-bound, bound));
            }

            /// <summary>Uniform in [-b, b], b = gain * sqrt(6 / (fan in + fan out)) (Glorot, Bengio 2010).</summary>
            public static Tensor xavier_uniform_(Tensor tensor, double gain = 1)
            {
                var (fanIn, fanOut) = Fans(tensor);
                var bound = gain * Math.Sqrt(6.0 / (fanIn + fanOut));
                return Constant(() => tensor.uniform_(-bound, bound));
            }

            private static double Gain(NonlinearityType nonlinearity, double slope) => nonlinearity switch
            {
                NonlinearityType.Tanh => 5.0 / 3.0,
                NonlinearityType.ReLU => Math.Sqrt(2.0),
                NonlinearityType.LeakyReLU => Math.Sqrt(2.0 / (1 + slope * slope)),
                _ => 1.0,
            };

            private static (long In, long Out) Fans(Tensor tensor)
            {
                var shape = tensor.shape;
                if (shape.Length < 2)
                    throw new ArgumentException("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions");
                var field = shape.Skip(2).TotalSize();
                return (shape[1] * field, shape[0] * field);
            }

            private static Tensor Constant(Func<Tensor> fill)
            {
                using var constant = no_grad();
                return fill();
            }
        }
    }
}
