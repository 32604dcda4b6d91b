using System.Reflection;
using AutoMapper;
using AutoMapper.Internal;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application;

namespace Secrets.Architecture.Tests;

public sealed class Wiring : IDisposable
{
    private const BindingFlags Held = BindingFlags.Public | BindingFlags.Instance;

    private readonly ServiceProvider _services = new ServiceCollection().AddApplication().BuildServiceProvider();

    private IConfigurationProvider Maps => _services.GetRequiredService<IMapper>().ConfigurationProvider;

    public void Dispose() => _services.Dispose();

    [Fact]
    public void Every_map_fills_all_members_of_its_target() => Maps.AssertConfigurationIsValid();

    /// <summary>
    /// AutoMapper 14 recurses without a bound, which is the advisory that Directory.Build.props suppresses. A mapping recurses only where a type can
    /// contain itself.
    /// </summary>
    [Fact]
    public void No_mapped_type_can_contain_itself()
    {
        var maps = Maps.Internal().GetAllTypeMaps();

        Assert.True(maps.Count >= 2);
        Assert.All(maps, map =>
        {
            Assert.Null(CycleFrom(map.SourceType));
            Assert.Null(CycleFrom(map.DestinationType));
        });
    }

    [Theory]
    [InlineData(typeof(Itself))]
    [InlineData(typeof(ListOfItself))]
    [InlineData(typeof(Around))]
    [InlineData(typeof(ToACycle))]
    [InlineData(typeof(Anything))]
    [InlineData(typeof(BehindAnInterface))]
    [InlineData(typeof(BehindABase))]
    public void The_search_finds_types_that_can_contain_themselves(Type type) => Assert.NotNull(CycleFrom(type));

    /// <summary>A type below this one, or this one, that can contain itself; null: there is none.</summary>
    private static Type? CycleFrom(Type type) => CycleFrom(type, []);

    private static Type? CycleFrom(Type type, List<Type> path)
    {
        if (path.Contains(type) || MayBeAnother(type))
        {
            return type;
        }

        path.Add(type);
        var cycle = PartsOf(type).Select(part => CycleFrom(part, path)).FirstOrDefault(found => found is not null);
        path.Remove(type);
        return cycle;
    }

    /// <summary>The types that an instance holds: of members, and of what a list holds. The framework's own types are copied as they are.</summary>
    private static IEnumerable<Type> PartsOf(Type type)
    {
        if (type.IsArray)
        {
            return [type.GetElementType()!];
        }

        var arguments = type.IsGenericType ? type.GetGenericArguments() : [];
        return IsOfTheFramework(type)
            ? arguments
            : [.. arguments, .. type.GetProperties(Held).Select(property => property.PropertyType), .. type.GetFields(Held).Select(field => field.FieldType)];
    }

    /// <summary>Whether an instance may be of another type than this, of which nothing is known here.</summary>
    private static bool MayBeAnother(Type type) => type == typeof(object) || (!type.IsSealed && !type.IsArray && !IsOfTheFramework(type));

    private static bool IsOfTheFramework(Type type) => type.Namespace == "System" || type.Namespace?.StartsWith("System.", StringComparison.Ordinal) == true;

    private interface IPart;

    private abstract record Base;

    private sealed record Anything(object Value);

    private sealed record BehindAnInterface(IPart Part);

    private sealed record BehindABase(Base Part);

    private sealed record Itself(string Name, Itself? Next);

    private sealed record ListOfItself(IReadOnlyList<ListOfItself> Children);

    private sealed record Around(Dictionary<string, Back[]> Members);

    private sealed record Back(Around Other);

    private sealed record ToACycle(int Number, Itself First);
}
