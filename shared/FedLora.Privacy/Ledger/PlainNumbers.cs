using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace FedLora.Privacy.Ledger;

/// <summary>Numbers of a YAML file read by <see cref="Number"/>: YamlDotNet's own reading takes <c>1,5</c> for 15.</summary>
internal sealed class PlainNumbers : IYamlTypeConverter
{
    public bool Accepts(Type type) => type == typeof(double) || type == typeof(double?) || type == typeof(int);

    public object? ReadYaml(IParser parser, Type type, ObjectDeserializer rootDeserializer)
    {
        var scalar = parser.Consume<Scalar>();
        if (type == typeof(double?) && scalar.Value is "" or "~" or "null")
            return null;
        object? number = type != typeof(int) ? Number.Parse(scalar.Value)
            : Number.ParseWhole(scalar.Value) is >= int.MinValue and <= int.MaxValue and var whole ? (int)whole : null;
        return number
            ?? throw new YamlException(scalar.Start, scalar.End, $"expected a number such as 0.5 or 1e-5, found '{scalar.Value}'");
    }

    public void WriteYaml(IEmitter emitter, object? value, Type type, ObjectSerializer serializer) => throw new NotSupportedException();
}
