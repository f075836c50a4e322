using System.Collections.Immutable;

namespace FedLora.Adapters;

/// <summary>One adapted linear layer of the base model, y = W x with W d_out x d_in.</summary>
/// <param name="Name">Dotted path in the base model.</param>
/// <param name="DOut">Length of the layer's output.</param>
/// <param name="DIn">Length of the layer's input.</param>
/// <param name="Rank">Its own rank, where it differs from the layout's (PEFT's <c>rank_pattern</c>).</param>
/// <param name="Alpha">Its own alpha, where it differs (PEFT's <c>alpha_pattern</c>).</param>
public sealed record AdapterModule(string Name, int DOut, int DIn, int? Rank = null, double? Alpha = null);

/// <summary>One tensor that is trained whole, such as a classifier's weight.</summary>
/// <param name="Name">Dotted path in the base model with the parameter, e.g. <c>classifier.weight</c>.</param>
public sealed record HeadTensor(string Name, ImmutableArray<int> Shape);

/// <summary>All that a server needs to know of a model: which layers carry factors of what size.</summary>
/// <param name="Modules">The adapted layers.</param>
/// <param name="Rank">r, at least 1.</param>
/// <param name="Alpha">lora_alpha, above 0.</param>
/// <param name="Heads">Tensors trained whole; often none.</param>
/// <param name="UseRsLora">Scale by alpha / sqrt(r) instead of alpha / r.</param>
public sealed record AdapterLayout(ImmutableArray<AdapterModule> Modules, int Rank, double Alpha, ImmutableArray<HeadTensor> Heads,
    bool UseRsLora = false)
{
    /// <summary>s in W = W0 + s B A (Fed-SB: s B R A): the one place that says how alpha and r make it.</summary>
    public double Scale => ScaleOf(Alpha, Rank, UseRsLora);

    /// <summary>The rank of a module.</summary>
    public int RankOf(AdapterModule module) => module.Rank ?? Rank;

    /// <summary>s of a module.</summary>
    public double ScaleOf(AdapterModule module) => ScaleOf(module.Alpha ?? Alpha, RankOf(module), UseRsLora);

    /// <summary>s = alpha / r, or with rsLoRA alpha / sqrt(r) (Kalajdzievski 2023, arXiv 2312.03732).</summary>
    public static double ScaleOf(double alpha, int rank, bool useRsLora = false) => alpha / (useRsLora ? Math.Sqrt(rank) : rank);

    /// <summary>The same model with factors of another rank and the scale kept: <see cref="Alpha"/> is chosen anew.</summary>
    public AdapterLayout WithRankKeepingScale(int rank) => this with { Rank = rank, Alpha = Scale / ScaleOf(1, rank, UseRsLora) };

    /// <summary>Names and shapes of the tensors that make up some factors, ordered by name: A r x d_in, B d_out x r, R r x r.</summary>
    public IEnumerable<(string Name, int[] Shape)> Tensors(Factors factors)
    {
        var tensors = new List<(string Name, int[] Shape)>();
        foreach (var module in Modules)
        {
            if (factors.HasFlag(Factors.A))
                tensors.Add((new AdapterKey(module.Name, Factors.A).Name, [RankOf(module), module.DIn]));
            if (factors.HasFlag(Factors.B))
                tensors.Add((new AdapterKey(module.Name, Factors.B).Name, [module.DOut, RankOf(module)]));
            if (factors.HasFlag(Factors.R))
                tensors.Add((new AdapterKey(module.Name, Factors.R).Name, [RankOf(module), RankOf(module)]));
        }
        if (factors.HasFlag(Factors.Head))
            tensors.AddRange(Heads.Select(h => ($"base_model.model.{h.Name}", h.Shape.ToArray())));
        return tensors.OrderBy(t => t.Name, StringComparer.Ordinal);
    }

    /// <summary>How many numbers some factors hold.</summary>
    public long ParameterCount(Factors factors) => Tensors(factors).Sum(t => t.Shape.Aggregate(1L, (n, size) => n * size));

    /// <summary>Refuses an adapter whose tensors are not exactly those of some factors.</summary>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>, <c>tensor-unexpected</c> or <c>tensor-shape</c>, naming the
    /// tensor.</exception>
    public void Require(IReadOnlyDictionary<string, int[]> shapes, Factors factors, string where)
    {
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, shape) in Tensors(factors))
        {
            expected.Add(name);
            if (!shapes.TryGetValue(name, out var actual))
                throw new FedLoraException("tensor-missing", $"{where} lacks tensor '{name}'.",
                    "It was made by another method, for other modules or for another model.");
            if (!shape.AsSpan().SequenceEqual(actual))
                throw new FedLoraException("tensor-shape",
                    $"{where}: tensor '{name}' has shape [{string.Join(", ", actual)}] instead of [{string.Join(", ", shape)}].",
                    "Use the rank and the model that the federation states.");
        }
        if (shapes.Keys.Order(StringComparer.Ordinal).FirstOrDefault(name => !expected.Contains(name)) is { } extra)
            throw new FedLoraException("tensor-unexpected", $"{where} has tensor '{extra}', which does not belong there.",
                "It was made by another method, for other modules or for another model.");
    }

    /// <inheritdoc cref="Require(IReadOnlyDictionary{string, int[]}, Factors, string)"/>
    public void Require(AdapterState state, Factors factors, string where) =>
        Require(state.ToDictionary(t => t.Name, t => t.Shape, StringComparer.Ordinal), factors, where);
}
