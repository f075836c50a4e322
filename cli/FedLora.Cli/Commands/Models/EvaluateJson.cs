using FedLora.Training.Running;

namespace FedLora.Cli.Commands.Models;

/// <summary>What was measured.</summary>
/// <param name="Examples">Lines measured.</param>
/// <param name="Labels">Labels predicted: tokens of a language model, examples of a classifier.</param>
/// <param name="Loss">Mean per label, nats.</param>
/// <param name="Accuracy">Share of labels that were right.</param>
/// <param name="MacroF1">Mean of the classes' F1; null for language models.</param>
/// <param name="Perplexity">exp(loss); null for classifiers.</param>
/// <param name="Truncated">Examples that were cut.</param>
/// <param name="Skipped">Lines left out.</param>
/// <param name="NewHead">Whether an untrained head was measured.</param>
/// <param name="Seconds">Of the measuring.</param>
/// <param name="CalibrationError">Expected calibration error, 0 to 1.</param>
/// <param name="Calibration">Guesses by their probability, in ranges of equal width from 0 to 1.</param>
/// <param name="Classes">Each class, in the model's order; null for language models.</param>
/// <param name="Confusion">For each class how often each was guessed, both in that order; null for language models.</param>
/// <param name="Windows">Pieces that went through the model, with --stride; else as many as examples.</param>
internal sealed record EvaluateJson(int Examples, long Labels, double Loss, double Accuracy, double? MacroF1, double? Perplexity,
    int Truncated, int Skipped, bool NewHead, double Seconds, double CalibrationError, IReadOnlyList<CalibrationBin> Calibration,
    IReadOnlyList<ClassJson>? Classes, IReadOnlyList<IReadOnlyList<long>>? Confusion, int Windows);

/// <summary>How well one class is told.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Precision">Share of the guesses of it that were right; 0 where nobody guessed it.</param>
/// <param name="Recall">Share of its examples that were guessed; 0 where there is none.</param>
/// <param name="F1">Of the two.</param>
/// <param name="Support">Its examples.</param>
internal sealed record ClassJson(string Label, double Precision, double Recall, double F1, long Support);
