using System.Security.Cryptography;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Federations.Rounds;
using FedLora.Training.Libtorch;
using TorchSharp;

namespace FedLora.Benchmarks.Aggregate;

/// <summary>
/// What folds cost from round to round: six nodes of rank 8 under flora, one module of 1024 x 1024. A build that cannot add folds up hands
/// out all there were, and its nodes add the newest to the weights; this one hands out what <see cref="FederationStanding.MostFolds"/>
/// says, and its nodes add the sum to pristine weights.
/// </summary>
internal static class FoldCosts
{
    private const int Side = 1024;
    private static readonly AdapterLayout Layout = Workload.Squares(1, Side);

    private static bool AddsUp => typeof(UpdateSet).Assembly.GetType("FedLora.Aggregation.FoldSum") is not null;

    /// <summary>A node reads, checks and applies what a round hands out; the MiB of that.</summary>
    public static Func<double> AtNode(int round)
    {
        LibtorchLoader.EnsureLoaded();
        var files = HandedOut(round).Select((fold, i) =>
        {
            var path = Path.Combine(BenchFolder.Path, $"fold-{i}.safetensors");
            fold.Save(path);
            return (Path: path, fold.Hash);
        }).ToArray();
        return () =>
        {
            GC.Collect();
            var (folds, bytes) = (new List<AdapterState>(), 0L);
            foreach (var (path, hash) in files)
            {
                var content = File.ReadAllBytes(path);
                if (Convert.ToHexStringLower(SHA256.HashData(content)) != hash)
                    throw new InvalidDataException(path);
                folds.Add(AdapterState.Load(path));
                bytes += content.Length;
            }
            Apply(AddsUp ? folds : folds[^1..]);
            return bytes / 1048576.0;
        };
    }

    /// <summary>The server makes one of the folds that it hands out and the round's own.</summary>
    public static Func<double> BecomeOne(int round)
    {
        AdapterState[] folds = [.. HandedOut(round - 1), Fold(round)];
        return () =>
        {
            Sum(folds);
            return 0;
        };
    }

    // What lies before a node in the round after so many.
    private static List<AdapterState> HandedOut(int round)
    {
        var folds = new List<AdapterState>();
        for (var done = 1; done <= round; done++)
        {
            folds.Add(Fold(done));
            if (AddsUp && folds.Count > FederationStanding.MostFolds)
                folds = [Sum([.. folds])];
        }
        return folds;
    }

    // In a method of its own: a library that has no such thing fails here.
    private static AdapterState Sum(AdapterState[] folds) => FoldSum.Of(folds, Layout, Environment.ProcessorCount);

    private static AdapterState Fold(int round) =>
        new((Layout with { Rank = 48 }).Tensors(Factors.A | Factors.B).Select(t => Workload.Random(t, round)));

    private static void Apply(List<AdapterState> folds)
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        var name = Layout.Modules[0].Name;
        var (a, b) = (new AdapterKey(name, Factors.A).Name, new AdapterKey(name, Factors.B).Name);
        torch.zeros(Side, Side).addmm_(torch.cat(folds.Select(f => Tensor(f[b])).ToArray(), 1),
            torch.cat(folds.Select(f => Tensor(f[a])).ToArray(), 0));
    }

    private static torch.Tensor Tensor(AdapterTensor tensor) => torch.tensor(tensor.Values, [.. tensor.Shape.Select(size => (long)size)]);
}
