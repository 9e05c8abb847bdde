# One node of a run. dockerize.py writes the compose file that builds and starts it; docs/deploy.md explains both.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /build
RUN python3 -m venv --without-pip /opt/distbench
COPY requirements.txt ./
RUN python3 -m pip --python /opt/distbench/bin/python3 install --disable-pip-version-check --no-cache-dir \
      --require-hashes --no-deps --only-binary :all: -r requirements.txt
# The package is copied rather than installed: its build backend would be one more download, and without a hash.
COPY pyproject.toml distbench_start.py ./
COPY distbench distbench
RUN site=$(/opt/distbench/bin/python3 -c 'import site; print(site.getsitepackages()[0])') \
 && version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml) \
 && cp -r distbench distbench_start.py "$site" \
 && mkdir "$site/distbench-$version.dist-info" \
 && printf 'Metadata-Version: 2.1\nName: distbench\nVersion: %s\n' "$version" > "$site/distbench-$version.dist-info/METADATA" \
 && /opt/distbench/bin/python3 -m compileall -q "$site"

FROM ${BASE_IMAGE}
COPY --from=build /opt/distbench /opt/distbench
COPY container/init.py /opt/distbench/init.py
# A folder of the user's own algorithms, for machines where none can be mounted (dockerize.py --copy).
ARG ALGORITHMS=container/algorithms
COPY ${ALGORITHMS} /algorithms/
RUN chmod -R a+rX /algorithms
# The hash seed is the one that distbench would start itself again for. The name of a node that is not there yet is asked
# for again and again; Docker may leave such a question unanswered, and a resolver waits ten seconds for that.
ENV PATH=/opt/distbench/bin:$PATH HOME=/tmp PYTHONHASHSEED=0 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    RES_OPTIONS="timeout:1 attempts:1"
WORKDIR /algorithms
USER 10001:10001
STOPSIGNAL SIGINT
ENTRYPOINT ["/opt/distbench/bin/python3", "/opt/distbench/init.py"]
CMD ["--help"]
