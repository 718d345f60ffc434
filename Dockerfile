# One image for the site and its commands: docker compose exec web python manage.py createsuperuser
FROM python:3.13-slim AS packages
# With --build-arg LOCAL=true it can hear and speak by itself; the models are not in it, but in LOCAL_MODELS_DIR.
ARG LOCAL=false
# With --build-arg S3=true it can keep sound in a bucket.
ARG S3=false
COPY requirements.txt requirements-local.txt requirements-s3.txt ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
    --requirement $(if [ "$LOCAL" = true ]; then echo requirements-local.txt; else echo requirements.txt; fi) \
    $(if [ "$S3" = true ]; then echo --requirement requirements-s3.txt; fi)

FROM python:3.13-slim
RUN useradd --system --no-create-home --uid 10001 voiceproject && install --directory --owner voiceproject --mode 700 /spool /models
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py ./
COPY voiceproject voiceproject
COPY accounts accounts
COPY conversations conversations
COPY templates templates
COPY static static
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8000 STATIC_HASHED=true LOCAL_MODELS_DIR=/models
# The settings want these to load; nothing is signed, encrypted or asked of a database here.
RUN DATABASE_URL=postgres://build/build SECRET_KEY=build FIELD_ENCRYPTION_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    python manage.py collectstatic --noinput && python -m compileall -q .
USER voiceproject
EXPOSE 8000
# The first start may fetch models, over a slow line.
HEALTHCHECK --interval=15s --timeout=5s --start-period=600s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["python", "manage.py", "run"]
