using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>
/// How adapters are parametrised and aggregated: one sealed class per method, without state of its own, found by <see cref="Methods.Get"/>.
/// A round, seen from here: the server keeps one <b>global adapter</b> and, for methods that fold, a list of <b>folds</b>; a node
/// calls <see cref="Start"/>, adds all folds to its pristine base weights, trains <see cref="Trained"/>, keeps <see cref="Kept"/> for
/// its next round and sends <see cref="Sent"/>; the server calls <see cref="Aggregate"/>. Rounds count from 1.
/// </summary>
public interface IFederatedMethod
{
    /// <summary>The name in federation files and on the command line, e.g. <c>ffa-lora</c>.</summary>
    string Name { get; }

    /// <summary>What the method can and cannot do.</summary>
    MethodTraits Traits { get; }

    /// <summary>What a node trains in a round.</summary>
    Factors Trained(int round, MethodOptions options);

    /// <summary>What a node sends in a round, whole tensors of its own rank. Unless overridden, what it trains.</summary>
    Factors Sent(int round, MethodOptions options) => Trained(round, options);

    /// <summary>What a node keeps on its own disk and starts from in its next round. Unless overridden, nothing.</summary>
    Factors Kept(MethodOptions options) => Factors.None;

    /// <summary>
    /// The factors of the global adapter that a round changes, so that nodes must fetch them. Unless overridden, what was sent.
    /// </summary>
    Factors Changed(int round, MethodOptions options) => Sent(round, options);

    /// <summary>The largest rank of a round's fold. Unless overridden, 0: there is none.</summary>
    /// <param name="nodes">How many nodes, all of the layout's rank.</param>
    int FoldRank(AdapterLayout layout, MethodOptions options, int nodes) => 0;

    /// <summary>Refuses, before anything starts, what this method cannot do with this layout and these options.</summary>
    /// <param name="layout">The federation's layout; its rank is the largest.</param>
    /// <param name="ranks">The ranks of its nodes.</param>
    /// <exception cref="FedLoraException"><c>method-unsupported</c>, saying why.</exception>
    void Check(AdapterLayout layout, MethodOptions options, IReadOnlyCollection<int> ranks) =>
        MethodChecks.Require(this, layout, options, ranks);

    /// <summary>The global adapter before round 1, of the layout's rank: a pure function of its arguments.</summary>
    /// <param name="layout">The federation's layout.</param>
    /// <param name="options">The federation's settings of the method.</param>
    /// <param name="seed">The federation's seed.</param>
    /// <param name="weights">The base model's weights, for methods whose traits say <see cref="MethodTraits.StartsFromWeights"/>; otherwise
    /// not looked at.</param>
    AdapterState Initialize(AdapterLayout layout, MethodOptions options, ulong seed, IWeightSource? weights = null);

    /// <summary>
    /// Refuses, before round 1, an initial adapter that this method cannot start from. Unless overridden, it takes any of the layout's
    /// shapes.
    /// </summary>
    /// <exception cref="FedLoraException"><c>method-unsupported</c>, naming the tensor.</exception>
    void CheckInitial(AdapterState initial)
    {
    }

    /// <summary>
    /// What a node starts its training of a round from: a pure function, so that the server can compute it too (a sparse update is a
    /// difference from it). Unless overridden, the global adapter, with the tensors that the node kept in their places.
    /// </summary>
    /// <param name="global">The global adapter before this round.</param>
    /// <param name="kept">What the node kept of its last round; null if it took part in none.</param>
    NodeStart Start(AdapterState global, AdapterState? kept, NodeTerms terms) =>
        new(kept is null ? global : global.With(kept.Only(Kept(terms.Options))), terms.Layout);

    /// <summary>
    /// The server's step: a pure function of the global adapter and the updates in node order, the same bytes on every machine and for
    /// every order of arrival.
    /// </summary>
    /// <exception cref="FedLoraException"><c>tensor-missing</c>, <c>tensor-unexpected</c>, <c>tensor-shape</c>, <c>tensor-not-finite</c>
    /// (naming node and tensor), <c>update-set-empty</c>.</exception>
    AggregationResult Aggregate(AdapterState global, UpdateSet updates, AggregationOptions options, CancellationToken cancellationToken);

    /// <summary>
    /// The federation's result as one plain LoRA adapter (A, B, head) with its layout, exact, as PEFT can load it. Unless overridden,
    /// the global adapter.
    /// </summary>
    /// <param name="folds">Every fold so far, oldest first.</param>
    (AdapterState Adapter, AdapterLayout Layout) Export(AdapterState global, IReadOnlyList<AdapterState> folds, AdapterLayout layout) =>
        (global, layout);
}
