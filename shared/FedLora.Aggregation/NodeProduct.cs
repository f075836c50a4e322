namespace FedLora.Aggregation;

/// <summary>A module's product at one node, for the sum over nodes: Factor * B A.</summary>
/// <param name="B">d_out x r_k; for Fed-SB B R_k.</param>
/// <param name="At">A^T, d_in x r_k.</param>
/// <param name="Factor">p_k s_k.</param>
internal readonly record struct NodeProduct(Matrix B, Matrix At, double Factor) : IDisposable
{
    /// <summary>||Factor B A||_F^2.</summary>
    public double SquaredNorm() => Factor * Factor * LowRank.SquaredNorm(B, At);

    /// <summary>Gives the matrices back, by whoever had them made.</summary>
    public void Dispose()
    {
        B.Dispose();
        At.Dispose();
    }
}

/// <summary>Sees a module's factors at one node.</summary>
/// <param name="module">Its place in the layout.</param>
/// <param name="factor">p_k s_k.</param>
/// <param name="b">B, d_out x r_k, row by row.</param>
/// <param name="a">A, r_k x d_in, row by row.</param>
internal delegate void FactorsVisit(int module, double factor, ReadOnlySpan<float> b, ReadOnlySpan<float> a);
