using System.CommandLine;
using FedLora.Adapters;
using FedLora.Cli.Output;
using FedLora.Training.Models;

namespace FedLora.Cli.Commands.Models;

/// <summary>The options of the commands that run a model.</summary>
internal sealed class ModelOptions
{
    public Option<string> Model { get; } = new("--model")
    {
        Description = "Folder of the base model: config.json, model.safetensors, tokenizer.json.",
        Required = true,
    };

    public Option<string?> Adapter { get; } = new("--adapter") { Description = "Folder of a PEFT adapter to put on it." };

    public Option<string> Dtype { get; } = new("--dtype")
    {
        Description = "Number type of frozen weights: f32, bf16, or auto (bf16 where this machine is much faster with it).",
        DefaultValueFactory = _ => "auto",
    };

    public Option<string> Device { get; } = new("--device") { Description = "cpu, cuda, or auto.", DefaultValueFactory = _ => "auto" };

    /// <summary>Adds them to a command.</summary>
    public Command AddTo(Command command)
    {
        Dtype.AcceptOnlyFromAmong("f32", "bf16", "auto");
        Device.AcceptOnlyFromAmong("cpu", "cuda", "auto");
        command.Add(Model);
        command.Add(Adapter);
        command.Add(Dtype);
        command.Add(Device);
        return command;
    }

    /// <summary>Says where an adapter was trained on another base model than this.</summary>
    public static void SayOtherBase(AdapterUse? use, string folder, CommandOutput output)
    {
        if (use?.BaseFingerprint is { } trained && trained != ModelFingerprint.Of(folder))
            output.Remark(
                $"The adapter was trained on another base model than '{folder}': {use.BaseModel} "
                    + $"({trained[..Math.Min(12, trained.Length)]}...).");
    }

    /// <summary>How the model is to be loaded.</summary>
    public LoadOptions Load(ParseResult parsed) => new()
    {
        Device = parsed.GetValue(Device)!,
        Compute = parsed.GetValue(Dtype) switch
        {
            "f32" => ComputeType.F32,
            "bf16" => ComputeType.BF16,
            _ => ComputeType.Auto,
        },
    };
}
