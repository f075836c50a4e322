using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace FedLora.Grains.Tests;

/// <summary>
/// The form of every row that a grain stores, and of the records beside them, as text: a change is seen in review, and needs a way from the
/// old form. FEDLORA_UPDATE_SNAPSHOTS=1 writes it anew. What older programs stored is read by <see cref="OldStateTests"/>.
/// </summary>
public sealed class StoredFormTests
{
    // Found by itself: whatever a grain is given to persist.
    private static readonly Type[] Rows =
    [
        .. typeof(FederationGrain).Assembly.GetTypes().SelectMany(type => type.GetConstructors()).SelectMany(made => made.GetParameters())
            .Select(given => given.ParameterType)
            .Where(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IPersistentState<>))
            .Select(type => type.GetGenericArguments()[0]).Distinct().OrderBy(type => type.Name, StringComparer.Ordinal),
    ];

    [Fact]
    public void The_form_of_every_row_is_known()
    {
        Assert.Superset(
            new HashSet<Type> { typeof(FederationRow), typeof(NodeRecord), typeof(EnrolmentRecord), typeof(RegistryRecord) },
            Rows.ToHashSet());
        Require("rows.txt", Form(Rows, Resolving(StoredJson.Options)));
    }

    [Fact]
    public void The_form_of_a_rounds_record_is_known() => Require("record.txt", Form([typeof(RoundRecord)], Resolving(JsonBlobs.Options)));

    private static JsonSerializerOptions Resolving(JsonSerializerOptions form)
    {
        var options = new JsonSerializerOptions(form);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    private static string Form(IEnumerable<Type> types, JsonSerializerOptions options)
    {
        var (text, known, waiting) = (new StringBuilder(), new HashSet<Type>(), new Queue<Type>(types));
        while (waiting.TryDequeue(out var type))
        {
            if (!known.Add(type))
                continue;
            text.Append($"{type.Name}\n");
            foreach (var property in options.GetTypeInfo(type).Properties
                .Where(property => property is { IsExtensionData: false, Get: not null })
                .OrderBy(property => property.Name, StringComparer.Ordinal))
                text.Append($"  {property.Name}: {Name(property.PropertyType)}\n");
        }

        return text.ToString();

        string Name(Type type)
        {
            if (Nullable.GetUnderlyingType(type) is { } bare)
                return Name(bare) + "?";
            if (type.IsEnum)
            {
                // By name: a member that moves would change what old rows say.
                Assert.StartsWith("\"", JsonSerializer.Serialize(Enum.GetValues(type).GetValue(0), type, options),
                    StringComparison.Ordinal);
                var members = Enum.GetNames(type).Select(name => $"{name}={Convert.ToInt32(Enum.Parse(type, name))}");
                return $"{type.Name} {string.Join('|', members)}";
            }
            var info = options.GetTypeInfo(type);
            switch (info.Kind)
            {
                case JsonTypeInfoKind.Object:
                    waiting.Enqueue(type);
                    return type.Name;
                case JsonTypeInfoKind.Enumerable:
                    return $"[{Name(info.ElementType!)}]";
                case JsonTypeInfoKind.Dictionary:
                    return $"{{{Name(info.KeyType!)}: {Name(info.ElementType!)}}}";
                default:
                    return type.Name;
            }
        }
    }

    private static void Require(string name, string text, [CallerFilePath] string here = "")
    {
        var file = Path.Combine(Path.GetDirectoryName(here)!, "Snapshots", name);
        if (Environment.GetEnvironmentVariable("FEDLORA_UPDATE_SNAPSHOTS") is "1")
            File.WriteAllText(file, text);
        Assert.Equal(File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "", text);
    }
}
