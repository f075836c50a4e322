using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static class linalg
    {
        public enum QRMode
        {
            Reduced = 0,
            Complete = 1,
            R = 2,
        }

        public static (Tensor U, Tensor S, Tensor Vh) svd(Tensor input, bool fullMatrices = true) => Aten.Call3("linalg_svd", input, fullMatrices);

        public static Tensor svdvals(Tensor input) => Aten.Call("linalg_svdvals", input);

        public static (Tensor Q, Tensor R) qr(Tensor input, QRMode mode = QRMode.Reduced) =>
            Aten.Call2("linalg_qr", input, mode == QRMode.R ? "r" : mode.ToString().ToLowerInvariant());

        public static Tensor cholesky(Tensor input) => Aten.Call("linalg_cholesky", input);

        public static (Tensor L, Tensor info) cholesky_ex(Tensor input, bool check_errors = false) => Aten.Call2("linalg_cholesky_ex", input, false, check_errors);

        public static Tensor solve(Tensor A, Tensor B, bool left = true) => Aten.Call("linalg_solve", A, B, left);

        public static Tensor solve_triangular(Tensor A, Tensor B, bool upper, bool left = true, bool unitriangular = false, Tensor? @out = null)
        {
            if (@out is null)
                return Aten.Call("linalg_solve_triangular", A, B, upper, left, unitriangular);
            Aten.Run("linalg_solve_triangular.out", A, B, upper, left, unitriangular, @out);
            return @out;
        }

        public static (Tensor Solution, Tensor Residuals, Tensor Rank, Tensor SingularValues) lstsq(Tensor input, Tensor other) =>
            Aten.Call4("linalg_lstsq", input, other);

        public static Tensor inv(Tensor input) => Aten.Call("linalg_inv", input);

        public static Tensor pinv(Tensor input, double? atol = null, double? rtol = null, bool hermitian = false) =>
            Aten.Call("linalg_pinv.atol_rtol_float", input, atol, rtol, hermitian);

        public static (Tensor, Tensor) eigh(Tensor input, char UPLO = 'L') => Aten.Call2("linalg_eigh", input, UPLO.ToString());

        public static Tensor norm(Tensor input, string ord, long[]? dims = null, bool keepdim = false) => Aten.Call("linalg_norm.ord_str", input, ord, dims, keepdim);

        public static Tensor norm(Tensor input, double ord, long[]? dims = null, bool keepdim = false) => Aten.Call("linalg_norm", input, (Scalar)ord, dims, keepdim);

        public static Tensor norm(Tensor input, int ord, long[]? dims = null, bool keepdim = false) => Aten.Call("linalg_norm", input, (Scalar)ord, dims, keepdim);

        public static Tensor norm(Tensor input, long[]? dims = null, bool keepdim = false) => Aten.Call("linalg_norm", input, Arg.None, dims, keepdim);

        public static Tensor vector_norm(Tensor input, double ord = 2, long[]? dims = null, bool keepdim = false) =>
            Aten.Call("linalg_vector_norm", input, (Scalar)ord, dims, keepdim);

        public static Tensor matrix_norm(Tensor input, string ord = "fro", long[]? dims = null, bool keepdim = false) =>
            Aten.Call("linalg_matrix_norm.str_ord", input, ord, dims ?? [-2, -1], keepdim);

        public static Tensor matrix_norm(Tensor input, double ord, long[]? dims = null, bool keepdim = false) =>
            Aten.Call("linalg_matrix_norm", input, (Scalar)ord, dims ?? [-2, -1], keepdim);

        public static Tensor det(Tensor input) => Aten.Call("linalg_det", input);
    }
}
