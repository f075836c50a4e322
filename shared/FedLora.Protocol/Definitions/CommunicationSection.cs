using FedLora.Protocol.V1;
using FedLora.Protocol.Yaml;

namespace FedLora.Protocol.Definitions;

/// <summary>The section <c>communication:</c> of a federation file.</summary>
internal static class CommunicationSection
{
    internal static Communication? Read(YamlMap? yaml)
    {
        if (yaml is null)
            return null;
        var communication = new Communication
        {
            Down = yaml.Number("down") ?? 1,
            Up = yaml.Number("up") ?? 1,
            Values = yaml.OptionalText("values") ?? "f32",
            ErrorFeedback = yaml.Flag("error_feedback") ?? false,
            SpareB = yaml.Flag("spare_b") ?? false,
            ServerOptimizer = yaml.OptionalText("server_optimizer") ?? "add",
            ServerLearningRate = yaml.Number("server_learning_rate") ?? 0,
        };
        if (yaml.Map("groups") is { } groups)
        {
            foreach (var name in groups.Names())
            {
                var group = groups.Map(name);
                communication.Groups[name] = new Density { Down = group?.Number("down") ?? communication.Down, Up = group?.Number("up") ?? communication.Up };
            }
        }
        return communication;
    }
}
