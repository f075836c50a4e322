namespace FedLora.Cli.Commands;

/// <summary>What the options that take data say of it.</summary>
internal static class DataHelp
{
    public const string File =
        "A file of JSON lines, CSV, TSV (also .gz, .zst) or Parquet, or a folder of them: text and label, messages, prompt and "
            + "completion, or text. Images: image and label; MNIST's IDX files; or a folder with a folder for each class.";
}
