using FedLora.Adapters;

namespace FedLora.Aggregation;

/// <summary>What decides a node's start beside the global adapter.</summary>
/// <param name="Layout">The federation's layout; its rank is the largest.</param>
/// <param name="Options">The federation's settings of the method.</param>
/// <param name="Round">The round to be trained, from 1.</param>
/// <param name="Seed">The federation's seed.</param>
/// <param name="Rank">The rank that this node trains, at most the layout's.</param>
public sealed record NodeTerms(AdapterLayout Layout, MethodOptions Options, int Round, ulong Seed, int Rank);

/// <summary>What a node trains from.</summary>
/// <param name="Adapter">All factors and head tensors.</param>
/// <param name="Layout">With the node's rank and the alpha that goes with it: its <see cref="AdapterLayout.Scale"/> is s.</param>
public sealed record NodeStart(AdapterState Adapter, AdapterLayout Layout);
