using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor matmul(Tensor target) => Aten.Call("matmul", this, target);

        public Tensor mm(Tensor target) => Aten.Call("mm", this, target);

        public Tensor mv(Tensor target) => Aten.Call("mv", this, target);

        public Tensor bmm(Tensor batch2) => Aten.Call("bmm", this, batch2);

        public Tensor dot(Tensor target) => Aten.Call("dot", this, target);

        public Tensor outer(Tensor vec2) => Aten.Call("outer", this, vec2);

        public Tensor kron(Tensor other) => Aten.Call("kron", this, other);

        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Aten.Call("addmm", this, mat1, mat2, (Scalar)beta, (Scalar)alpha);

        public Tensor addmv(Tensor mat, Tensor vec, float beta = 1.0f, float alpha = 1.0f) => Aten.Call("addmv", this, mat, vec, (Scalar)beta, (Scalar)alpha);

        public Tensor addbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Aten.Call("addbmm", this, batch1, batch2, (Scalar)beta, (Scalar)alpha);

        public Tensor addmm_(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => Aten.InPlace("addmm_", this, mat1, mat2, (Scalar)beta, (Scalar)alpha);

        public Tensor addmv_(Tensor mat, Tensor vec, float beta = 1.0f, float alpha = 1.0f) => Aten.InPlace("addmv_", this, mat, vec, (Scalar)beta, (Scalar)alpha);

        public Tensor addbmm_(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Aten.InPlace("addbmm_", this, batch1, batch2, (Scalar)beta, (Scalar)alpha);

        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => Aten.Call("baddbmm", this, batch1, batch2, (Scalar)beta, (Scalar)alpha);

        public Tensor inverse() => Aten.Call("inverse", this);

        public Tensor det() => Aten.Call("det", this);

        public Tensor cholesky(bool upper = false) => Aten.Call("cholesky", this, upper);

        public Tensor matrix_power(int n) => Aten.Call("matrix_power", this, (long)n);
    }
}
