using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// HetLoRA (Cho et al., EMNLP 2024): factors are filled up with zeros to the largest rank and averaged apart with sparsity weights
/// w_k = ||B_k A_k||_F / sum_j ||B_j A_j||_F per module (the numbers of examples play no part there, only in the head's mean); rows of A
/// and columns of B that no node of the round has stay as they were. A node starts from the first r_k rows of A and columns of B. All nodes
/// use the scale of the largest rank, since a cut factor is a part of the same product. (The paper's pruning of ranks during local training
/// is not part of this.)
/// </summary>
internal sealed class HetLora : IFederatedMethod
{
    public string Name => "hetlora";

    public MethodTraits Traits { get; } = new(Exact: false, "A = sum w_k pad(A_k), B = sum w_k pad(B_k), w_k ~ ||B_k A_k||")
    {
        MixesRanks = true,
        SharesScale = true,
    };

    public Factors Trained(int round, MethodOptions options) => Factors.A | Factors.B | Factors.Head;

    public AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null) =>
        LoraInit.State(layout, seed);

    public NodeStart Start(AdapterState global, AdapterState? kept, NodeTerms terms) =>
        new(RankCut.Cut(global, terms.Layout, terms.Rank, 1), terms.Layout.WithRankKeepingScale(terms.Rank));

    public AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options,
        CancellationToken cancellationToken)
    {
        var round = new Round(this, global, updates, options, cancellationToken);
        var layout = options.Layout;
        var sums = layout.Modules.ToDictionary(m => m.Name, m => new Sum(m, layout.RankOf(m)), StringComparer.Ordinal);
        round.ForEachProduct((module, product) => sums[module.Name].Add(product));
        var mean = global.With(
            [.. layout.Modules.SelectMany(m => sums[m.Name].Tensors(m, global.Product(m))), .. round.Mean(Factors.Head)]);
        return round.Result(mean, null, AggregationError.Report(round, options, module => [mean.Product(layout, module)]));
    }

    private sealed class Sum(AdapterModule module, int rank)
    {
        private readonly NodeProduct _sum = new(new Matrix(module.DOut, rank), new Matrix(module.DIn, rank), 1);
        private double _norms;
        private int _reached;

        public void Add(NodeProduct product)
        {
            // Never zero: where no node has moved, all count the same.
            var norm = Math.Max(1e-150, Math.Sqrt(LowRank.SquaredNorm(product.B, product.At)));
            _norms += norm;
            _reached = Math.Max(_reached, product.B.Columns);
            _sum.B.Add(norm, product.B);
            _sum.At.Add(norm, product.At);
        }

        public AdapterTensor[] Tensors(AdapterModule module, NodeProduct before)
        {
            var (b, at) = (_sum.B.Times(1 / _norms), _sum.At.Times(1 / _norms));
            for (var j = _reached; j < rank; j++)
            {
                before.B.Column(j).CopyTo(b.Column(j));
                before.At.Column(j).CopyTo(at.Column(j));
            }
            return Products.Tensors(module, b, at);
        }
    }
}
