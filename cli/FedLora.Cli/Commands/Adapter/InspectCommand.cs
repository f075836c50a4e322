using System.CommandLine;
using FedLora.Adapters;
using FedLora.Aggregation;
using FedLora.Cli.Output;
using Spectre.Console;

namespace FedLora.Cli.Commands.Adapter;

/// <summary><c>fedlora adapter inspect DIR</c>: what an adapter folder holds.</summary>
internal static class InspectCommand
{
    /// <summary>One adapted module.</summary>
    /// <param name="Norm">||s B A||_F.</param>
    /// <param name="Largest">Largest singular value of s B A.</param>
    /// <param name="EffectiveRank">Singular values above a millionth of the largest.</param>
    internal sealed record ModuleRow(string Module, int DOut, int DIn, int Rank, double Scale, double Norm, double Largest,
        int EffectiveRank);

    internal sealed record HeadRow(string Tensor, int[] Shape, double Norm);

    /// <summary>What the folder holds.</summary>
    /// <param name="TargetModules">Last parts of module names; empty where <paramref name="TargetExpression"/> says them.</param>
    /// <param name="TargetExpression">A regular expression of module names; null where they are listed.</param>
    internal sealed record InspectJson(string? BaseModel, string? TaskType, int Rank, double Alpha, double Dropout, bool UseRsLora,
        IReadOnlyList<string> TargetModules, string? TargetExpression, string Sha256, long Parameters, IReadOnlyList<ModuleRow> Modules,
        IReadOnlyList<HeadRow> Heads);

    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "An adapter folder: adapter_config.json and adapter_model.safetensors." };
        return new Command("inspect", "Show an adapter's settings, modules and sizes.") { folder }
            .Writes(typeof(InspectJson)).Runs((parsed, output, _) =>
        {
            var adapter = PeftFolder.Read(parsed.GetValue(folder)!);
            var layout = adapter.Layout();
            var modules = layout.Modules.Select(module => Row(adapter.State, layout, module)).ToArray();
            var heads = adapter.State.Only(Factors.Head)
                .Select(t => new HeadRow(t.Name, t.Shape, Math.Sqrt(t.Values.Sum(v => (double)v * v)))).ToArray();
            var (config, state) = (adapter.Config, adapter.State);
            output.Result(new InspectJson(config.BaseModel, config.TaskType, config.Rank, config.Alpha, config.Dropout, config.UseRsLora,
                config.TargetModules.Names, config.TargetModules.Expression, state.Hash, state.ParameterCount, modules, heads),
                console => Show(console, adapter, modules, heads));
            return Task.CompletedTask;
        });
    }

    private static ModuleRow Row(AdapterState state, AdapterLayout layout, AdapterModule module)
    {
        var singular = AdapterAlgebra.Singular(state, layout, module);
        return new ModuleRow(module.Name, module.DOut, module.DIn, layout.RankOf(module), layout.ScaleOf(module),
            Math.Sqrt(singular.Sum(s => s * s)), singular[0], singular.Count(s => s > 1e-6 * singular[0]));
    }

    private static void Show(IAnsiConsole console, PeftFolder adapter, ModuleRow[] modules, HeadRow[] heads)
    {
        var config = adapter.Config;
        console.WriteLine(
            $"{config.TaskType ?? "adapter"} for {config.BaseModel ?? "an unnamed base model"}: r {config.Rank}, alpha "
                + $"{config.Alpha:R}{(config.UseRsLora ? " (rsLoRA)" : "")}, dropout {config.Dropout:R}");
        console.WriteLine($"{adapter.State.ParameterCount:N0} parameters in {adapter.State.Count} tensors, sha256 {adapter.State.Hash}");
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("module", "d_out x d_in", "rank", "scale", "||s B A||", "largest", "effective rank");
        foreach (var row in modules)
            table.AddRow(Markup.Escape(row.Module), $"{row.DOut} x {row.DIn}", $"{row.Rank}", $"{row.Scale:0.###}", $"{row.Norm:G4}",
                $"{row.Largest:G4}", $"{row.EffectiveRank}");
        foreach (var row in heads)
            table.AddRow(Markup.Escape(row.Tensor), string.Join(" x ", row.Shape), "", "", $"{row.Norm:G4}", "", "");
        console.Write(table);
    }
}
