using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>Where Fed-SB's frozen A and B come from.</summary>
internal static class FedSbBasis
{
    /// <summary>
    /// B = U_r, A = V_r^T of W0 = U S V^T, R = 0: the model starts at W0, and no data is needed (after LoRA-XS, arXiv 2405.17604).
    /// </summary>
    public static AdapterTensor[] OfWeights(AdapterModule module, AdapterLayout layout, IWeightSource weights, ulong seed)
    {
        var svd = Read(module, layout, weights, seed, _ => { });
        return Tensors(module, svd, new double[svd.U.Columns]);
    }

    /// <summary>
    /// LoRA-SB (Ponkshe et al. 2024, arXiv 2411.19557): the first step of sign descent, dW = -eta sign(G) = U S V^T for the summed
    /// gradients G; B = U_r, A = V_r^T, R = diag(S_r) / s, so that the model starts at W0 plus the step's best rank-r part.
    /// </summary>
    public static AdapterTensor[] OfFirstStep(AdapterModule module, AdapterLayout layout, IWeightSource gradients, double eta, ulong seed)
    {
        var svd = Read(module, layout, gradients, seed, g =>
        {
            for (var i = 0; i < g.Length; i++)
                g[i] = -Math.Sign(g[i]);
        });
        return Tensors(module, svd, [.. svd.Singular.Select(s => s * eta / layout.ScaleOf(module))]);
    }

    private static (Matrix U, double[] Singular, Matrix V) Read(AdapterModule module, AdapterLayout layout, IWeightSource source,
        ulong seed, Action<float[]> change)
    {
        var values = new float[checked(module.DOut * module.DIn)];
        source.Read(module, values);
        if (!Vectors.IsFinite(values))
            throw new FedLoraException("tensor-not-finite", $"The weights or gradients of module '{module.Name}' hold NaN or infinity.",
                "Fetch the base model again, or lower what the gradients are computed with.");
        change(values);
        return LeadingSvd.Of(values, module.DOut, module.DIn, layout.RankOf(module), Random64.For(seed, $"svd/{module.Name}"));
    }

    private static AdapterTensor[] Tensors(AdapterModule module, (Matrix U, double[] Singular, Matrix V) svd, double[] diagonal)
    {
        var r = new Matrix(diagonal.Length, diagonal.Length);
        for (var i = 0; i < diagonal.Length; i++)
            r[i, i] = diagonal[i];
        return [.. Products.Tensors(module, svd.U, svd.V), new(Products.Key(module, Factors.R), [r.Rows, r.Columns], r.ToRows())];
    }
}
