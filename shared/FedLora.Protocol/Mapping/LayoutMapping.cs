using FedLora.Adapters;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Protocol.Mapping;

/// <summary>Between the wire's layout and settings and the types that methods and training take.</summary>
public static class LayoutMapping
{
    private const string Prefix = "base_model.model.";

    /// <summary>The layout as it travels.</summary>
    public static Wire.AdapterLayout ToWire(AdapterLayout layout) => new()
    {
        Modules = { layout.Modules.Select(module => new Wire.LayoutModule { Name = module.Name, DOut = (uint)module.DOut, DIn = (uint)module.DIn }) },
        Head = { layout.Heads.Select(head => new Wire.LayoutTensor { Name = Prefix + head.Name, Shape = { head.Shape.Select(size => (uint)size) } }) },
    };

    /// <summary>The layout that a definition states.</summary>
    public static AdapterLayout ToLayout(Wire.FederationDefinition definition) => new(
        [.. definition.Layout.Modules.Select(module => new AdapterModule(module.Name, (int)module.DOut, (int)module.DIn))],
        (int)definition.Lora.Rank,
        definition.Lora.Alpha,
        [.. definition.Layout.Head.Select(head => new HeadTensor(Unprefixed(head.Name), [.. head.Shape.Select(size => (int)size)]))],
        definition.Lora.Rslora);

    private static string Unprefixed(string name) => name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;
}
